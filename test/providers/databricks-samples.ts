import type { ProviderSamples } from '../contract/provider-contract.ts'

const json = { 'content-type': 'application/json' }
const page = '<!DOCTYPE html><html><body>Login</body></html>'
const reqId = '[ReqId: 6a4e2b0c-1111-4222-8333-944445555666]'

function api(code: string | number, message: string): string {
  return JSON.stringify({ error_code: code, message })
}

function oauth(error: string, description?: string): string {
  return JSON.stringify({ error, error_description: description })
}

const ipBlocked = api(
  403,
  `Source IP address: 1.2.3.4 is blocked by Databricks IP ACL for workspace: 1 ${reqId}`
)
const noScope = api(403, `Provided OAuth token does not have required scopes: sql ${reqId}`)
const noAccess = api('PERMISSION_DENIED', "User does not have permission 'View' on Endpoint X")
const badModelInput = api(
  'BAD_REQUEST',
  "Encountered an unexpected error while evaluating the model. Error 'ExpiredJwtException'"
)
const warehouse = '/sql/1.0/warehouses/0123456789abcdef'
const cluster = '/sql/protocolv1/o/6543210987654321/0123-456789-abcde123'
const jdbc = 'jdbc:databricks://dbc-1.cloud.databricks.com:443/default'
const secretWord = 'dapi5ecret'

export const databricksSamples: ProviderSamples = {
  secretWord,
  workspaceUrls: [
    ['https://dbc-1.cloud.databricks.com', { origin: 'https://dbc-1.cloud.databricks.com' }],
    [' HTTPS://DBC-1.Cloud.Databricks.com/ ', { origin: 'https://dbc-1.cloud.databricks.com' }],
    ['dbc-1.cloud.databricks.com', { origin: 'https://dbc-1.cloud.databricks.com' }],
    [
      'https://dbc-1.cloud.databricks.com/?o=6543210987654321#notebook/1/command/2',
      { origin: 'https://dbc-1.cloud.databricks.com', workspaceId: '6543210987654321' }
    ],
    [
      'adb-1234567890123456.7.azuredatabricks.net/browse?o=1234567890123456',
      {
        origin: 'https://adb-1234567890123456.7.azuredatabricks.net',
        workspaceId: '1234567890123456'
      }
    ],
    [
      'https://1234567890123456.7.gcp.databricks.com',
      { origin: 'https://1234567890123456.7.gcp.databricks.com', workspaceId: '1234567890123456' }
    ],
    ['http://127.0.0.1:8081/', { origin: 'http://127.0.0.1:8081' }],
    ['localhost:8081', { origin: 'https://localhost:8081' }],
    ['https://dbc-1.cloud.databricks.com:443', { origin: 'https://dbc-1.cloud.databricks.com' }],
    [
      `https://dbc-1.cloud.databricks.com${warehouse}`,
      { origin: 'https://dbc-1.cloud.databricks.com', httpPath: warehouse }
    ],
    [
      `${jdbc};transportMode=http;ssl=1;AuthMech=3;httpPath=${warehouse};UID=token;PWD=${secretWord}`,
      { origin: 'https://dbc-1.cloud.databricks.com', httpPath: warehouse }
    ],
    [
      `jdbc:spark://adb-12.3.azuredatabricks.net:443/default;HTTPPATH=${cluster.slice(1)};AuthMech=11`,
      {
        origin: 'https://adb-12.3.azuredatabricks.net',
        workspaceId: '6543210987654321',
        httpPath: cluster
      }
    ],
    [
      `jdbc:databricks://acme.databricks.com:443;httpPath=${warehouse}?o=42`,
      { origin: 'https://acme.databricks.com', workspaceId: '42', httpPath: warehouse }
    ],
    [
      'jdbc:databricks://dbc-1.cloud.databricks.com',
      { origin: 'https://dbc-1.cloud.databricks.com' }
    ],
    [
      `JDBC:SPARK://DBC-1.Cloud.Databricks.COM:443/;AUTHMECH=3;UID=token;PWD=${secretWord};HttpPath=${warehouse}`,
      { origin: 'https://dbc-1.cloud.databricks.com', httpPath: warehouse }
    ],
    [
      'https://acme.databricks.com/?o=42&a=7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910#job/1',
      { origin: 'https://acme.databricks.com', workspaceId: '42' }
    ],
    [
      'https://adb-12.3.databricks.azure.us/',
      { origin: 'https://adb-12.3.databricks.azure.us', workspaceId: '12' }
    ],
    [
      'https://adb-12.3.databricks.azure.cn/',
      { origin: 'https://adb-12.3.databricks.azure.cn', workspaceId: '12' }
    ],
    ['dbc-1.cloud.databricks.us', { origin: 'https://dbc-1.cloud.databricks.us' }],
    ['dbc-1.cloud.databricks.mil', { origin: 'https://dbc-1.cloud.databricks.mil' }]
  ],
  badWorkspaceUrls: [
    '',
    '   ',
    'https://',
    'https://user:dapi5ecret@dbc-1.cloud.databricks.com',
    'dapi5ecret@dbc-1.cloud.databricks.com',
    'https://dbc 1.cloud.databricks.com/dapi5ecret',
    'https://dbc-1\u3002cloud.databricks.com/dapi5ecret',
    'ftp://dbc-1.cloud.databricks.com',
    'javascript://dbc-1.cloud.databricks.com/%0aalert(1)',
    'https://accounts.cloud.databricks.com/?account_id=dapi5ecret',
    'accounts.azuredatabricks.net',
    'accounts-dod.cloud.databricks.mil',
    'https://login.databricks.com/?destination_url=dapi5ecret',
    'https://community.databricks.com/dapi5ecret',
    'https://1a2b3c.serving.cloud.databricks.com/123/serving-endpoints/dapi5ecret',
    'https://dbc-1%2ecloud.databricks.com/dapi5ecret',
    'https://dbc-1.cloud.databricks.com./dapi5ecret',
    'https://xn--dbc-1-9za.cloud.databricks.com/dapi5ecret',
    'https://2130706433/dapi5ecret',
    'https://0x7f.1/dapi5ecret',
    'https://0177.0.0.1/dapi5ecret',
    'https://127.1/dapi5ecret',
    'https:///dbc-1.cloud.databricks.com/dapi5ecret',
    'jdbc:databricks://dbc-1%2ecloud.databricks.com:443;PWD=dapi5ecret',
    'jdbc:spark://2130706433:443;PWD=dapi5ecret',
    'jdbc:databricks://;PWD=dapi5ecret',
    'jdbc:databricks://token:dapi5ecret@dbc-1.cloud.databricks.com:443/default',
    `${jdbc};httpPath=/../../dapi5ecret;PWD=dapi5ecret`,
    `https://${'a'.repeat(5_000)}`
  ],
  foreignOrigins: [
    'https://app-1.aws.databricksapps.com',
    'https://databricks.com',
    'https://cloud-databricks.com',
    'https://dbc-1.cloud.databricks.com.evil.test',
    'https://azuredatabricks.net',
    'https://login.microsoftonline.com'
  ],
  compute: [
    { kind: 'warehouse', id: '0123456789abcdef' },
    { kind: 'cluster', id: '0123-456789-abcde123' }
  ],
  deadTokenAnswers: [
    {
      name: 'wrong or expired',
      status: 403,
      headers: { 'x-databricks-reason-phrase': 'Invalid access token.' },
      body: api(403, `Invalid access token. ${reqId}`)
    },
    {
      name: 'in the answer to a HEAD, which has headers only',
      status: 403,
      headers: { 'x-databricks-reason-phrase': 'Invalid access token.' },
      body: ''
    },
    { name: 'the older words', status: 403, body: api(403, 'Invalid Token') },
    {
      name: 'no credential, or one of an unsupported kind',
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="DatabricksRealm"' },
      body: api(401, `Credential was not sent or was of an unsupported type for this API. ${reqId}`)
    },
    { name: 'an expired Entra token today', status: 401, body: 'Token is expired' },
    { name: 'a 401 without a body', status: 401, body: '' },
    {
      name: 'an expired Entra token as it was',
      status: 400,
      body: api('INVALID_PARAMETER_VALUE', 'io.jsonwebtoken.ExpiredJwtException: JWT expired')
    },
    {
      name: 'the same in plain text',
      status: 400,
      body: 'ExpiredJwtException: JWT expired at 12:00'
    }
  ],
  livingTokenAnswers: [
    {
      name: 'another reason in headers only',
      status: 403,
      headers: { 'x-databricks-reason-phrase': 'Source IP address is blocked' },
      body: ''
    },
    {
      name: 'a body that says more than the headers',
      status: 403,
      headers: { 'x-databricks-reason-phrase': 'Invalid access token.' },
      body: noAccess
    },
    { name: 'a 403 with nothing in it', status: 403, body: '' },
    { name: 'no permission', status: 403, body: noAccess },
    {
      name: 'no permission, in misleading words',
      status: 403,
      body: api('PERMISSION_DENIED', 'Invalid access token.')
    },
    { name: 'a number as text', status: 403, body: api('403', 'Invalid access token.') },
    { name: 'IP access list', status: 403, body: ipBlocked },
    { name: 'missing scope', status: 403, body: noScope },
    {
      name: 'the words, but not at the start',
      status: 403,
      body: api(403, 'No: Invalid access token.')
    },
    { name: 'a page', status: 403, body: page },
    { name: 'an empty body', status: 403, body: '' },
    { name: 'a model that quotes the words', status: 400, body: badModelInput },
    { name: 'success', status: 200, body: api(403, 'Invalid access token.') },
    { name: 'not found', status: 404, body: api(403, 'Invalid access token.') }
  ],
  apiFailures: [
    { name: 'IP access list', status: 403, body: ipBlocked, code: 'ip_not_allowed' },
    { name: 'missing scope', status: 403, body: noScope, code: 'scope_missing' },
    {
      name: 'missing scope, older words',
      status: 403,
      body: api(403, 'Invalid scope, required scopes: sql'),
      code: 'scope_missing'
    },
    { name: 'no permission', status: 403, body: noAccess, code: 'compute_forbidden' },
    {
      name: 'not assigned',
      status: 403,
      body: api(403, 'This identity is not assigned to this application'),
      code: 'principal_not_in_workspace'
    },
    {
      name: 'unknown cluster',
      status: 400,
      body: api('INVALID_PARAMETER_VALUE', 'Cluster 0123-456789-x does not exist'),
      code: 'compute_not_found'
    },
    {
      name: 'unknown endpoint',
      status: 404,
      body: api('RESOURCE_DOES_NOT_EXIST', "Endpoint with name 'X' does not exist."),
      code: 'compute_not_found'
    },
    {
      name: 'malformed warehouse id',
      status: 400,
      body: api('INVALID_PARAMETER_VALUE', 'x is not a valid endpoint id.'),
      code: 'compute_not_found'
    },
    {
      name: 'no such API',
      status: 404,
      body: api('ENDPOINT_NOT_FOUND', "No API found for 'GET /x'"),
      code: 'workspace_unreachable'
    },
    { name: 'an empty 404', status: 404, body: '', code: 'workspace_unreachable' },
    {
      name: 'a login page',
      status: 200,
      headers: { 'content-type': 'text/html;charset=utf-8' },
      body: page,
      code: 'workspace_unreachable'
    },
    {
      name: 'a redirect to the login page',
      status: 302,
      headers: { location: '/login.html' },
      body: '',
      code: 'workspace_unreachable'
    },
    {
      name: 'a private link that refuses',
      status: 302,
      headers: { location: '/login.html?error=private-link-validation-error:1' },
      body: '',
      code: 'ip_not_allowed'
    },
    {
      name: 'throttled',
      status: 429,
      body: api('REQUEST_LIMIT_EXCEEDED', 'x'),
      code: 'upstream_unavailable'
    },
    {
      name: 'passing',
      status: 503,
      body: api('TEMPORARILY_UNAVAILABLE', 'x'),
      code: 'upstream_unavailable'
    },
    { name: 'a gateway that waited', status: 504, body: page, code: 'upstream_timeout' }
  ],
  oauthFailures: [
    {
      name: 'no federation policy lets the JWT in',
      status: 400,
      headers: json,
      body: oauth(
        'invalid_grant',
        "Failed to process token: TOKEN_INVALID (Ensure a valid federation policy has been configured). Valid federation policy for provided token: {issuer: 'https://weft.test', subject: 'tenant:1', audience: 'https://dbc.test/oidc/v1/token'}"
      ),
      failure: { kind: 'federation_policy_missing' }
    },
    {
      name: 'a federation policy for another audience',
      status: 400,
      headers: json,
      body: oauth(
        'invalid_grant',
        'Failed to process token: TOKEN_AUDIENCE_INVALID (Audience a does not match b)'
      ),
      failure: { kind: 'federation_policy_mismatch' }
    },
    {
      name: 'a federation policy for another subject',
      status: 400,
      headers: json,
      body: oauth('invalid_grant', 'Failed to process token: TOKEN_SUBJECT_INVALID (tenant:1)'),
      failure: { kind: 'federation_policy_mismatch' }
    },
    {
      name: 'keys of an issuer that the provider cannot reach',
      status: 400,
      headers: json,
      body: oauth(
        'invalid_grant',
        'Failed to process token: TOKEN_INVALID (Unable to fetch the JWKS of the issuer)'
      ),
      failure: { kind: 'federation_keys_unavailable' }
    },
    {
      name: 'a signature by a key that a federation policy does not hold',
      status: 400,
      headers: json,
      body: oauth(
        'invalid_grant',
        'Failed to process token: TOKEN_INVALID (The signature matches no key)'
      ),
      failure: { kind: 'federation_keys_unavailable' }
    },
    {
      name: 'F18 dead refresh token as Databricks says it',
      status: 400,
      headers: json,
      body: oauth('invalid_request', 'Refresh token is invalid'),
      failure: { kind: 'dead_grant' }
    },
    {
      name: 'F18 the same with 401',
      status: 401,
      body: oauth('invalid_request', 'Refresh token is invalid'),
      failure: { kind: 'dead_grant' }
    },
    {
      name: 'as RFC 6749 says it',
      status: 400,
      body: oauth('invalid_grant'),
      failure: { kind: 'dead_grant' }
    },
    {
      name: 'as the newer code says it',
      status: 401,
      body: oauth('INVALID_REFRESH_TOKEN', 'gone'),
      failure: { kind: 'dead_grant' }
    },
    {
      name: 'the same in the API’s form',
      status: 401,
      body: api('INVALID_REFRESH_TOKEN', 'gone'),
      failure: { kind: 'dead_grant' }
    },
    {
      name: 'wrong secret',
      status: 401,
      body: oauth('invalid_client', 'Client authentication failed'),
      failure: { kind: 'client_refused' }
    },
    {
      name: 'grant not for this client',
      status: 400,
      body: oauth('unauthorized_client'),
      failure: { kind: 'client_refused' }
    },
    {
      name: 'unknown client id',
      status: 400,
      body: oauth(
        'invalid_request',
        "OAuth application with client_id: 'x' not available in Databricks account 'a'."
      ),
      failure: { kind: 'client_refused' }
    },
    {
      name: 'redirect URI',
      status: 400,
      body: oauth(
        'invalid_request',
        "redirect_uri 'https://x' not registered for OAuth application 'y'"
      ),
      failure: { kind: 'redirect_uri_mismatch' }
    },
    {
      name: 'unknown scope',
      status: 400,
      body: oauth('invalid_scope'),
      failure: { kind: 'scope_missing' }
    },
    {
      name: 'scope not on the secret',
      status: 400,
      body: oauth('access_denied', "Scopes 'all-apis' are not assigned to the client"),
      failure: { kind: 'scope_missing' }
    },
    {
      name: 'denied otherwise',
      status: 400,
      body: oauth('access_denied'),
      failure: { kind: 'refused' }
    },
    {
      name: 'another bad request',
      status: 400,
      body: oauth('invalid_request', 'x'),
      failure: { kind: 'refused' }
    },
    { name: 'IP access list', status: 403, body: ipBlocked, failure: { kind: 'ip_not_allowed' } },
    {
      name: 'throttled, seconds',
      status: 429,
      headers: { 'retry-after': '7' },
      body: '',
      failure: { kind: 'throttled', retryAfterSeconds: 7 }
    },
    {
      name: 'throttled, a date',
      status: 429,
      headers: {
        'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT',
        date: 'Wed, 21 Oct 2026 07:28:00 GMT'
      },
      body: '',
      failure: { kind: 'throttled', retryAfterSeconds: 30 }
    },
    {
      name: 'throttled for a year',
      status: 429,
      headers: { 'retry-after': '31536000' },
      body: '',
      failure: { kind: 'throttled', retryAfterSeconds: 3_600 }
    },
    {
      name: 'outage that says invalid_grant',
      status: 503,
      headers: { 'retry-after': 'soon' },
      body: oauth('invalid_grant'),
      failure: { kind: 'transient' }
    },
    { name: 'outage with a page', status: 502, body: page, failure: { kind: 'transient' } },
    {
      name: 'temporarily_unavailable',
      status: 400,
      body: oauth('temporarily_unavailable'),
      failure: { kind: 'transient' }
    },
    {
      name: 'OAuth is off',
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: page,
      failure: { kind: 'oauth_not_enabled' }
    },
    {
      name: 'no such path',
      status: 404,
      body: 'Not Found',
      failure: { kind: 'oauth_not_enabled' }
    },
    { name: 'not JSON', status: 400, body: 'nope', failure: { kind: 'malformed' } },
    {
      name: 'JSON of another kind',
      status: 400,
      body: '{"ok":false}',
      failure: { kind: 'malformed' }
    }
  ]
}
