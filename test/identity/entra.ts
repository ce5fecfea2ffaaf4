import type { JWTPayload } from 'jose'
import type { LoginProviderId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import type { LoggedIn, NewLoginProvider } from '../../src/identity/identity.ts'
import { callbackOf, clientSecret, type World } from './world.ts'

export const tid = '11111111-2222-3333-4444-555555555555'
export const otherTid = '99999999-2222-3333-4444-555555555555'
export const oid = 'aaaaaaaa-2222-3333-4444-555555555555'

/** What Entra ID's discovery document says, under `organizations` or of one tenant. */
export function pretendEntra(world: World, tenant: string): void {
  const { issuer: base } = world.oidc
  world.oidc.script.metadata = ({
    authorization_response_iss_parameter_supported: _,
    ...rest
  }) => ({
    ...rest,
    issuer: `${base}/${tenant === tid ? tid : '{tenantid}'}/v2.0`,
    userinfo_endpoint: `${base}/userinfo`
  })
  world.oidc.script.claims = (claims) => ({
    ...claims,
    iss: `${base}/${String(claims.tid)}/v2.0`,
    ver: '2.0'
  })
}

export async function createEntra(
  world: World,
  scope: TenantScope,
  given: Partial<NewLoginProvider> = {}
): Promise<LoginProviderId> {
  const { id } = await world.identity.loginProviders.create(scope, {
    name: 'Entra ID',
    kind: 'entra',
    issuer: `${world.oidc.issuer}/organizations/v2.0`,
    clientId: 'entra-client',
    clientSecret: new Secret(clientSecret),
    allowedTenantIds: [tid],
    ...given
  })
  return id
}

/** A person of an Entra tenant as its ID tokens describe them. */
export function entraPerson(claims: JWTPayload = {}): JWTPayload {
  const name = { name: 'Ann Entra', preferred_username: 'ann@acme.test' }
  return { sub: 'pairwise-subject', oid, tid, ...name, ...claims }
}

/** The whole way; Entra ID names no issuer in its authorization answer. */
export async function entraLogin(
  world: World,
  loginProviderId: LoginProviderId,
  person: JWTPayload
): Promise<LoggedIn> {
  const redirectUrl = await world.start({ loginProviderId })
  const query = new URLSearchParams(world.oidc.authorize(redirectUrl, person))
  query.delete('iss')
  return await world.identity.login.finish(callbackOf(redirectUrl, query.toString()))
}
