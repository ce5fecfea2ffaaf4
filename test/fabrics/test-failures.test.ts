import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest'
import { serveTls, type TlsListener } from '../../src/local/databricks/tls-listener.ts'
import { type CertificateName, certificate } from '../support/tls/certificates.ts'
import { casesOf, denied, mePath, planted, type Row, runRow } from './failure-table.ts'
import { signIn } from './signing-in.ts'
import { principalOf } from './testing.ts'
import { as, createWorld, narrow, principal, type World } from './world.ts'

/**
 * Every step and what can go wrong at it: a fault is planted at the workspace or on the way to it, and the test
 * says at which step, by which code, whose move it is and what to do. Saved and unsaved say the same.
 */
let world: World
const doors: { close(): unknown }[] = []
const named = { closed: '', silent: '', plain: '', expired: '', wrongName: '', selfSigned: '' }

beforeAll(async () => {
  const silent = await listening(createServer())
  const plain = await listening(createServer((socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n')))
  const closed = await listening(createServer())
  named.silent = `https://localhost:${silent}`
  named.plain = `https://localhost:${plain}`
  named.closed = `https://localhost:${closed}`
  doors.pop()?.close()
  named.expired = await presenting('expired')
  named.wrongName = await presenting('wrong-name')
  named.selfSigned = await presenting('self-signed')
  const lookup = async (hostname: string) => {
    if (hostname === 'private.cloud.databricks.com') return [at('10.1.2.3')]
    if (hostname === 'mixed.cloud.databricks.com') return [at('8.8.8.8'), at('127.0.0.1')]
    if (hostname === 'localhost') return [at('127.0.0.1')]
    throw Object.assign(new TypeError('no such name'), { code: 'ENOTFOUND' })
  }
  world = await createWorld({ extraOrigins: Object.values(named), lookup })
  await world.connect()
  await signInAnew()
})
afterAll(async () => {
  for (const door of doors) door.close()
  await world?.close()
})
beforeEach(async () => {
  world.clock.advance(12_000) // so that this one person may test on
  await world.faults(null)
  await world.sql('DELETE FROM fabrics')
})

const at = (address: string) => ({ address, family: 4 as const })

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  doors.push(server)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('it listens on TCP')
  return address.port
}

async function presenting(name: CertificateName): Promise<string> {
  const listener: TlsListener = await serveTls(certificate(name), (_req, res) => res.end())
  doors.push(listener)
  return listener.url
}

async function signInAnew(): Promise<void> {
  const fabric = await world.fabrics.create(as.lead, world.newFabric({ name: 'For the sign-in' }))
  await signIn(world, as.lead, fabric.id)
  await world.sql('DELETE FROM fabrics')
}

const user = { as: ['user'] } as const
const machine = { as: ['service_principal'] } as const
const unsaved = { kinds: ['unsaved'] } as const
const host = (workspaceUrl: string) => ({ input: () => ({ workspaceUrl, compute: undefined }) })
const secret = (clientSecret: string, clientId = principal.clientId) => ({
  input: () => ({ servicePrincipal: principalOf({ clientId, clientSecret }) })
})

const edge = (status: number, message: string) => [status, { error_code: status, message }] as const
const signInAgain = async () => {
  await world.faults(null)
  await world.sql('DELETE FROM grants')
  await signInAnew()
}
const later = async () => world.clock.advance(2 * 60 * 60_000)

const wayToHost = /^Weft found no way to this host$/
const checkWay = /DNS, firewall, private link/
const noCertificate = /no certificate that holds/

const rows: readonly Row[] = [
  // host
  ...['https://evil.example', 'http://dbc-1.cloud.databricks.com', 'https://10.0.0.1'].map(
    (url): Row => ({
      name: `${url} is no host of the provider's`,
      step: 'host',
      told: 'host_not_allowed tenant_admin',
      ...unsaved,
      ...host(url),
      action: /Correct the workspace URL/
    })
  ),
  ...['https://accounts.cloud.databricks.com', 'https://docs.databricks.com', 'a b'].map(
    (url): Row => ({
      name: `${url} is no workspace`,
      step: 'host',
      told: 'invalid_request caller',
      ...unsaved,
      ...host(url),
      detail: /^\/workspaceUrl: .*workspace/,
      action: /as the browser shows it/
    })
  ),
  {
    name: 'the app connection does not serve the host',
    step: 'host',
    told: 'host_not_allowed tenant_admin',
    ...user,
    before: () =>
      world.sql(`UPDATE app_connections SET allowed_hosts = '{x.cloud.databricks.com}'`),
    after: () => world.sql(`UPDATE app_connections SET allowed_hosts = '{}'`),
    detail: /app connection does not serve/,
    action: /allow its host/
  },
  // dns and tls
  ...['unknown', 'private', 'mixed'].map(
    (label): Row => ({
      name: `E9 a host that is ${label}`,
      step: 'dns',
      told: 'dns_failed upstream',
      ...host(`https://${label}.cloud.databricks.com`),
      detail: wayToHost,
      action: checkWay
    })
  ),
  ...(['closed', 'silent'] as const).map(
    (door): Row => ({
      name: `E9 a host that is ${door}`,
      step: 'tls',
      told: 'workspace_unreachable upstream',
      ...user,
      input: () => ({ workspaceUrl: named[door], compute: undefined }),
      detail: wayToHost,
      action: checkWay
    })
  ),
  ...(['plain', 'expired', 'wrongName', 'selfSigned'] as const).map(
    (door): Row => ({
      name: `E7 a certificate that is ${door}`,
      step: 'tls',
      told: 'tls_failed upstream',
      input: () => ({ workspaceUrl: named[door], compute: undefined }),
      detail: noCertificate,
      action: /proxy that opens TLS/
    })
  ),
  // discovery
  ...['page', 'missing'].map(
    (oauthOff): Row => ({
      name: `OAuth is not enabled: ${oauthOff}`,
      step: 'discovery',
      told: 'oauth_not_enabled provider_admin',
      faults: { oauthOff },
      action: /account admin of Databricks enables OAuth/
    })
  ),
  {
    name: 'the metadata cannot be told',
    step: 'discovery',
    told: 'discovery_failed upstream',
    faults: { metadataStatus: 503, metadataBody: '{}' },
    action: /OAuth metadata/
  },
  {
    name: 'the metadata leads elsewhere',
    step: 'discovery',
    told: 'discovery_failed upstream',
    faults: { metadataBody: '{"issuer":"https://elsewhere.example/oidc"}' },
    action: /OAuth metadata/
  },
  // token, as a user
  {
    name: 'nobody has signed in',
    step: 'token',
    told: 'sign_in_needed caller',
    ...user,
    before: () => world.sql('DELETE FROM grants'),
    after: signInAgain,
    action: /[Ss]ign in to the workspace, and test again/
  },
  {
    name: 'the app connection is switched off',
    step: 'token',
    told: 'app_connection_missing tenant_admin',
    ...user,
    before: () => world.sql('UPDATE app_connections SET is_disabled = true'),
    after: () => world.sql('UPDATE app_connections SET is_disabled = false'),
    action: /Register Weft at Databricks/
  },
  {
    name: 'the refresh token is dead',
    step: 'token',
    told: 'sign_in_needed caller',
    ...user,
    faults: {
      tokenStatus: 400,
      tokenBody: '{"error":"invalid_request","error_description":"Refresh token is invalid"}'
    },
    before: later,
    after: signInAgain,
    action: /[Ss]ign in to the workspace, and test again/
  },
  {
    name: 'the client is refused',
    step: 'token',
    told: 'app_connection_refused tenant_admin',
    ...user,
    faults: { tokenStatus: 401, tokenBody: '{"error":"invalid_client"}' },
    before: later,
    after: async () => {
      await world.sql('UPDATE app_connections SET fault_next_try_at = NULL')
      await signInAgain()
    },
    action: /Verify the app connection/
  },
  {
    name: 'the token endpoint is down',
    step: 'token',
    told: 'upstream_unavailable upstream',
    ...user,
    faults: { tokenStatus: 503 },
    before: later,
    after: signInAgain,
    action: /status page/
  },
  // token, as the service principal
  {
    name: 'there is no service principal',
    step: 'token',
    told: 'service_principal_missing team_admin',
    ...machine,
    input: () => ({ servicePrincipal: undefined }),
    action: /client ID and secret in the fabric/
  },
  {
    name: 'a wrong secret',
    step: 'token',
    told: 'service_principal_refused team_admin',
    ...machine,
    ...secret('wrong-secret-0123456789'),
    action: /create a new secret/
  },
  {
    name: 'a wrong client id',
    step: 'token',
    told: 'service_principal_refused team_admin',
    ...machine,
    ...secret(principal.clientSecret, '00000000-0000-4000-8000-000000000000'),
    action: /application ID/
  },
  {
    name: 'a secret without the scope',
    step: 'token',
    told: 'scope_missing tenant_admin',
    ...machine,
    ...secret(narrow.clientSecret, narrow.clientId),
    action: /secret for the service principal/
  },
  ...[
    { tokenStatus: 503 },
    { tokenStatus: 429 },
    { tokenBody: '{"' },
    { dropTokenAnswer: true }
  ].map(
    (faults): Row => ({
      name: `the token endpoint fails: ${JSON.stringify(faults)}`,
      step: 'token',
      told: 'upstream_unavailable upstream',
      ...machine,
      faults,
      action: /status page/
    })
  ),
  // identity
  {
    name: 'an IP access list',
    step: 'identity',
    told: 'ip_not_allowed provider_admin',
    faults: { ipBlocked: true },
    action: /IP access list/
  },
  {
    name: 'the identity is not in the workspace',
    step: 'identity',
    told: 'principal_not_in_workspace provider_admin',
    faults: planted(mePath, ...edge(403, 'User is not assigned to this application.')),
    action: /Have an admin of the workspace add (you|the service principal) to it/
  },
  {
    name: 'the identity may not read even itself',
    step: 'identity',
    told: 'principal_not_in_workspace provider_admin',
    faults: planted(mePath, 403, denied),
    action: /Have an admin of the workspace/
  },
  {
    name: 'every token is refused, also a new one',
    step: 'identity',
    told: 'sign_in_needed caller',
    ...user,
    faults: planted(mePath, ...edge(403, 'Invalid access token.')),
    action: /[Ss]ign in to the workspace, and test again/
  },
  {
    name: 'every token is refused, also a new one',
    step: 'identity',
    told: 'principal_not_in_workspace provider_admin',
    ...machine,
    faults: planted(mePath, ...edge(403, 'Invalid access token.')),
    action: /add the service principal/
  },
  {
    name: 'a page answers: the wrong kind of host',
    step: 'identity',
    told: 'workspace_unreachable upstream',
    faults: planted(mePath, 200, '<!doctype html><title>Sign In</title>', 'text/html'),
    action: /workspace's own address/
  },
  ...[
    [429, 'upstream_unavailable'],
    [503, 'upstream_unavailable'],
    [504, 'upstream_timeout']
  ].map(
    ([apiStatus, code]): Row => ({
      name: `the API answers ${apiStatus}`,
      step: 'identity',
      told: `${code} upstream`,
      faults: { apiStatus },
      action: /status page/
    })
  ),
  // scopes
  {
    name: 'a scope was not granted',
    step: 'scopes',
    told: 'scope_missing tenant_admin',
    ...user,
    before: () => world.sql(`UPDATE app_connections SET scopes = '{all-apis,offline_access,jobs}'`),
    after: () => world.sql(`UPDATE app_connections SET scopes = '{all-apis,offline_access}'`),
    detail: /Not granted: jobs$/,
    action: /sign in anew/
  },
  {
    name: 'a scope was not granted',
    step: 'scopes',
    told: 'scope_missing tenant_admin',
    ...machine,
    faults: {
      tokenBody: '{"access_token":"x","token_type":"Bearer","expires_in":3600,"scope":"sql"}',
      ...planted(mePath, 200, { userName: principal.clientId, id: '1' })
    },
    detail: /Not granted: all-apis$/,
    action: /secret for the service principal/
  }
]

describe('what goes wrong on the way to a workspace and at its door', () => {
  test.each(casesOf(rows))('%s: %s, as %s', async (_step, _name, who, row) => {
    await runRow(world, row, who)
  })
})
