/** The documents of an OAuth-enabled workspace, member for member as recorded from real ones. */
export function oauthMetadata(origin: string) {
  return {
    authorization_endpoint: `${origin}/oidc/v1/authorize`,
    token_endpoint: `${origin}/oidc/v1/token`,
    issuer: `${origin}/oidc`,
    jwks_uri: `${origin}/oidc/jwks.json`,
    scopes_supported: ['all-apis', 'email', 'offline_access', 'openid', 'profile', 'sql'],
    response_types_supported: ['code', 'id_token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['client_credentials', 'authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: [
      'iss',
      'sub',
      'aud',
      'iat',
      'exp',
      'jti',
      'name',
      'family_name',
      'given_name',
      'preferred_username'
    ],
    request_uri_parameter_supported: false
  }
}

export function hostMetadata(origin: string, workspaceId: string, accountId: string) {
  return {
    oidc_endpoint: `${origin}/oidc`,
    account_id: accountId,
    workspace_id: workspaceId,
    cloud: 'AWS',
    host_type: 'workspace',
    token_federation_default_oidc_audiences: [`${origin}/oidc/v1/token`]
  }
}
