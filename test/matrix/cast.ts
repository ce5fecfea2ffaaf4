import type { FabricId, TeamId, TenantId, UserId } from '../../src/base/ids.ts'
import type { Operation } from '../../src/base/operations.ts'
import { operationsOfToken } from '../../src/identity/personal-token-scope.ts'
import { createPlatform, type Place, type Platform, platformHost } from '../support/platform.ts'

export type TenantName = 'acme' | 'globex' | 'house'
/** Two teams of acme, and one of globex. */
export type TeamName = 'own' | 'other' | 'foreign'

/** Who asks, as the rule sees them. */
export interface Caller {
  readonly name: string
  readonly tenant: TenantName
  /** `out`: presents something that lets nobody in, or nothing. */
  readonly via: 'session' | 'bearer' | 'out'
  /** What a machine is; null: a person, or their script. */
  readonly role: 'service_account' | 'scim_token' | null
  /** All that what is presented was narrowed to; null: it was not. */
  readonly reach: ReadonlySet<Operation> | null
  readonly isTenantAdmin: boolean
  readonly isOperator: boolean
  readonly teams: Readonly<Partial<Record<TeamName, 'admin' | 'member'>>>
  /** Whose fabric is listed for this service account. */
  readonly fabricsOf: TeamName | null
  readonly headers: Readonly<Record<string, string>>
  readonly userId: UserId | null
  /** With which a service account gets tokens. */
  readonly account: { readonly id: string; readonly key: string } | null
}

export interface Cast {
  readonly platform: Platform
  readonly callers: readonly Caller[]
  readonly tenants: Readonly<Record<'acme' | 'globex', Tenant>>
  readonly placeOf: Readonly<Record<TeamName, Place>>
  readonly tenantIds: Readonly<Record<TenantName, TenantId>>
  /** Members who never call. */
  readonly bystanders: Readonly<Record<'own' | 'foreign', UserId>>
  /** What a service account of the team's tenant may reach. */
  readonly fabricOf: Readonly<Record<TeamName, FabricId>>
}

export interface Tenant {
  readonly tenantId: TenantId
  readonly connection: Awaited<ReturnType<Platform['appConnection']>>
}

const principal = { clientId: 'principal', clientSecret: 'secret-of-the-principal' }

/** Two tenants that do not know of each other, the platform's own, and everybody who may come. */
export async function createCast(): Promise<Cast> {
  const platform = await createPlatform()
  const { world, rooms } = platform
  const { rows, sql } = world
  const acme = await rows.tenant('acme')
  const globex = await rows.tenant('globex')
  const house = await rows.tenant('house')
  const tenantIds = { acme: acme.tenantId, globex: globex.tenantId, house: house.tenantId }
  const other = await platform.team(acme.tenantId)
  const placeOf = { own: acme, other: { ...acme, teamId: other }, foreign: globex }
  const tenants = { acme: await open(acme), globex: await open(globex) }
  const fabricIn = (name: TeamName) =>
    platform.fabric(
      placeOf[name],
      (name === 'foreign' ? tenants.globex : tenants.acme).connection.id,
      {
        ...principal,
        clientId: `principal-${name}`
      }
    )
  const fabricOf = {
    own: await fabricIn('own'),
    other: await fabricIn('other'),
    foreign: await fabricIn('foreign')
  }

  async function open({ tenantId }: Place): Promise<Tenant> {
    const connection = await platform.appConnection(tenantId, `canary-${tenantId}`)
    return { tenantId, connection }
  }

  const plain = {
    role: null,
    reach: null,
    isTenantAdmin: false,
    isOperator: false,
    teams: {},
    fabricsOf: null,
    userId: null,
    account: null
  }

  async function person(
    name: string,
    tenant: TenantName,
    facts: Partial<Pick<Caller, 'isTenantAdmin' | 'isOperator' | 'teams' | 'via'>> = {}
  ): Promise<Caller> {
    const { tenantId } = { acme, globex, house }[tenant]
    const { teams = {}, isTenantAdmin = false } = facts
    const places = Object.entries(teams).map(([team, role]): [TeamId, 'admin' | 'member'] => [
      placeOf[team as TeamName].teamId,
      role
    ])
    const userId = await platform.person(
      tenantId,
      places,
      isTenantAdmin ? 'tenant_admin' : 'member'
    )
    const session = await rows.session(tenantId, userId)
    if (facts.isOperator) {
      await rows.insert('platform_operators', {
        user_id: userId,
        added_at: world.clock.now(),
        added_by: 'cli'
      })
    }
    const headers = browserOf(session)
    return { ...plain, name, tenant, via: 'session', ...facts, headers, userId }
  }

  async function service(name: string, fabricsOf: TeamName) {
    const { tenantId } = placeOf[fabricsOf]
    const id = await platform.serviceAccount(tenantId, [fabricOf[fabricsOf]])
    const { key } = await platform.serviceKey(tenantId, id)
    const tenant = fabricsOf === 'foreign' ? 'globex' : 'acme'
    const caller: Caller = {
      ...plain,
      name,
      tenant,
      via: 'bearer',
      role: 'service_account',
      fabricsOf,
      headers: bearerOf(key),
      account: { id, key }
    }
    const token = async (): Promise<Caller> => {
      const { accessToken } = await rooms.identity.serviceTokens.issue({
        serviceAccountId: id,
        serviceKey: key,
        tenantSlug: null,
        target: null,
        source: '192.0.2.1',
        requestId: 'matrix-token'
      })
      return { ...caller, name: 'service token', headers: bearerOf(accessToken) }
    }
    return { caller, token }
  }

  const out = (name: string, headers: Readonly<Record<string, string>>): Caller => ({
    ...plain,
    name,
    tenant: 'acme',
    via: 'out',
    headers
  })

  /** A token that reads everything and queries, as its person may. */
  async function script(name: string, person: Caller): Promise<Caller> {
    const token = await platform.personalToken(tenantIds[person.tenant], person.userId)
    const reach = operationsOfToken({ fabrics: null, access: 'query' })
    return { ...person, name, via: 'bearer', reach, headers: bearerOf(token.token) }
  }

  async function directory(name: string, tenant: 'acme' | 'globex'): Promise<Caller> {
    const { token } = await platform.scimToken(tenantIds[tenant])
    const headers = bearerOf(token)
    return { ...plain, name, tenant, via: 'bearer', role: 'scim_token', headers }
  }

  const suspended = await person('suspended member', 'acme', { teams: { own: 'admin' } })
  const lost = await script("suspended member's script", suspended)
  await sql(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [suspended.userId])
  const removed = await person('removed member', 'acme', { teams: { own: 'admin' } })
  await sql('DELETE FROM memberships WHERE user_id = $1', [removed.userId])
  const revoked = await service('revoked key', 'own')
  await sql('UPDATE service_keys SET revoked_at = now()')
  const serviceKey = await service('service key', 'own')

  const admin = await person('tenant admin', 'acme', { isTenantAdmin: true })
  const member = await person('member', 'acme', { teams: { own: 'member' } })
  const callers = [
    admin,
    await person('team admin', 'acme', { teams: { own: 'admin' } }),
    member,
    await person('admin of another team', 'acme', { teams: { other: 'admin' } }),
    await person('member of another team', 'acme', { teams: { other: 'member' } }),
    await person("other tenant's admin", 'globex', { isTenantAdmin: true }),
    await person("other tenant's member", 'globex', { teams: { foreign: 'member' } }),
    await person('platform operator', 'house', { isOperator: true }),
    await script("tenant admin's script", admin),
    await script("member's script", member),
    await directory('SCIM token', 'acme'),
    serviceKey.caller,
    await serviceKey.token(),
    (await service("other tenant's service key", 'foreign')).caller,
    out('suspended member', suspended.headers),
    out(lost.name, lost.headers),
    out('removed member', removed.headers),
    out('revoked key', revoked.caller.headers),
    out('nobody', { host: platformHost })
  ]
  const bystanders = {
    own: await platform.person(acme.tenantId, [[acme.teamId, 'member']]),
    foreign: await platform.person(globex.tenantId, [[globex.teamId, 'member']])
  }
  return { platform, callers, tenants, tenantIds, bystanders, placeOf, fabricOf }
}

export function browserOf(session: string): Record<string, string> {
  return {
    host: platformHost,
    cookie: `__Host-weft_session=${session}`,
    origin: `https://${platformHost}`,
    'x-weft-csrf': '1'
  }
}

export function bearerOf(token: string): Record<string, string> {
  return { host: platformHost, authorization: `Bearer ${token}` }
}
