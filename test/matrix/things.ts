import { createHash, randomUUID } from 'node:crypto'
import { asId, type IdKind, idPrefixes, newId } from '../../src/base/ids.ts'
import { fabricDomain } from '../support/platform.ts'
import type { Caller, Cast, TeamName, TenantName } from './cast.ts'

/**
 * Where a thing stands: of acme's first team, of its second team (or, without a team, beside the thing that is
 * meant), of globex, nowhere; `nobodyForeign`: nowhere under globex's name; `mine`: of whoever asks.
 */
export type Whose = 'own' | 'other' | 'foreign' | 'nobody' | 'nobodyForeign' | 'mine'

/** A thing that a request can name, and all that decides who sees it. */
export interface Thing {
  /** What stands for the parameters of a path. */
  readonly ids: Readonly<Record<string, string>>
  /** Null: there is no such thing. */
  readonly tenant: TenantName | null
  /** Whose members alone see it. */
  readonly team?: TeamName
  /** The one person who sees it. */
  readonly userId?: string | null
}

export interface Kind {
  /** The parameter that names it in a path. */
  readonly param: string
  readonly idKind: IdKind
  readonly whose: readonly Whose[]
  /** The kind that it belongs to: a path that names another one of that kind names nothing. */
  readonly parent?: string
  make(cast: Cast, whose: Whose, caller: Caller): Promise<Thing>
}

const ofTeam = ['own', 'other', 'foreign', 'nobody'] as const
const ofTenant = ['own', 'foreign', 'nobody'] as const
const ofPerson = ['mine', 'own', 'foreign', 'nobody'] as const

export const kinds = {
  fabric: {
    param: 'fabricId',
    idKind: 'fabric',
    whose: ofTeam,
    async make(cast, whose) {
      const team = teamOf(whose)
      const tenant = tenantOf(whose)
      const { connection } = cast.tenants[tenant]
      const id = await cast.platform.fabric(cast.placeOf[team], connection.id)
      return { ids: { fabricId: id }, tenant, team }
    }
  },
  /** One that has a deployment named `nightly`. */
  deployedFabric: {
    param: 'deployedFabricId',
    idKind: 'fabric',
    whose: ofTeam,
    async make(cast, whose) {
      const { clock, rows } = cast.platform.world
      const team = teamOf(whose)
      const tenant = tenantOf(whose)
      const { tenantId, teamId } = cast.placeOf[team]
      const { connection } = cast.tenants[tenant]
      const fabricId = await cast.platform.fabric(cast.placeOf[team], connection.id)
      await rows.insert('deployments', {
        id: newId('deployment', clock),
        tenant_id: tenantId,
        fabric_id: fabricId,
        name: 'nightly',
        team_id: teamId,
        workspace_origin: cast.platform.world.server.origin,
        client_id: 'client',
        job_id: '1',
        spec_hash: '',
        setting_hashes: {},
        left_behind: [],
        deployed_by: 'usr_0',
        deployed_at: clock.now(),
        created_at: clock.now()
      })
      return { ids: { deployedFabricId: fabricId }, tenant, team }
    }
  },
  /** The one that is listed for service accounts. */
  listedFabric: {
    param: 'listedFabricId',
    idKind: 'fabric',
    whose: ofTeam,
    async make(cast, whose) {
      const team = teamOf(whose)
      const tenant = tenantOf(whose)
      const id = cast.fabricOf[team]
      return { ids: { listedFabricId: id }, tenant, team }
    }
  },
  /** The same by the host that stands for it. */
  host: {
    param: 'host',
    idKind: 'fabric',
    whose: ['own', 'other', 'foreign', 'nobody', 'nobodyForeign'],
    async make(cast, whose) {
      const tenant = whose === 'nobodyForeign' ? 'globex' : tenantOf(whose)
      if (whose === 'nobody' || whose === 'nobodyForeign') {
        return { ids: { host: hostOf(noId('fabric'), tenant) }, tenant: null }
      }
      const team = teamOf(whose)
      return { ids: { host: hostOf(cast.fabricOf[team], tenant) }, tenant, team }
    }
  },
  team: {
    param: 'teamId',
    idKind: 'team',
    whose: ofTeam,
    async make({ platform, placeOf, callers }, whose) {
      const team = teamOf(whose)
      const { tenantId } = placeOf[team]
      const teamId = await platform.team(tenantId)
      for (const { userId, teams, via } of callers) {
        const role = teams[team]
        if (userId === null || role === undefined || via !== 'session') continue
        const row = { tenant_id: tenantId, team_id: teamId, user_id: userId, role }
        await platform.world.rows.insert('team_members', row)
      }
      return { ids: { teamId }, tenant: tenantOf(whose), team }
    }
  },
  /** The one that people made here are members of. */
  staffedTeam: {
    param: 'staffedTeamId',
    idKind: 'team',
    whose: ofTeam,
    async make({ placeOf }, whose) {
      const team = teamOf(whose)
      return { ids: { staffedTeamId: placeOf[team].teamId }, tenant: tenantOf(whose), team }
    }
  },
  user: {
    param: 'userId',
    idKind: 'user',
    whose: ofTenant,
    make: makeUser
  },
  appConnection: {
    param: 'appConnectionId',
    idKind: 'appConnection',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const tenant = tenantOf(whose)
      const { id } = await platform.appConnection(tenants[tenant].tenantId)
      return { ids: { appConnectionId: id }, tenant }
    }
  },
  clientSecret: {
    param: 'clientSecretId',
    idKind: 'clientSecret',
    whose: ofTeam,
    parent: 'appConnection',
    async make({ platform, tenants }, whose) {
      const tenant = tenantOf(whose)
      const { tenantId } = tenants[tenant]
      const { id } = await platform.appConnection(tenantId)
      const clientSecretId = await platform.clientSecret(tenantId, id, `canary-${id}`)
      return { ids: { appConnectionId: id, clientSecretId }, tenant }
    }
  },
  /** With a service principal of its own. */
  principalFabric: {
    param: 'principalFabricId',
    idKind: 'fabric',
    whose: ofTeam,
    async make(cast, whose) {
      const team = teamOf(whose)
      const { id } = await makePrincipalFabric(cast, team)
      return { ids: { principalFabricId: id }, tenant: tenantOf(whose), team }
    }
  },
  principalSecret: {
    param: 'principalSecretId',
    idKind: 'clientSecret',
    whose: ofTeam,
    parent: 'principalFabric',
    async make(cast, whose) {
      const team = whose === 'foreign' ? whose : 'own'
      const { id, tenantId } = await makePrincipalFabric(cast, team)
      const secret = `canary-${randomUUID()}`
      const principalSecretId = await cast.platform.clientSecret(tenantId, id, secret, 'previous')
      return { ids: { principalFabricId: id, principalSecretId }, tenant: tenantOf(whose), team }
    }
  },
  serviceAccount: {
    param: 'serviceAccountId',
    idKind: 'serviceAccount',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const tenant = tenantOf(whose)
      const id = await platform.serviceAccount(tenants[tenant].tenantId)
      return { ids: { serviceAccountId: id }, tenant }
    }
  },
  key: {
    param: 'keyId',
    idKind: 'key',
    whose: ofTeam,
    parent: 'serviceAccount',
    async make({ platform, tenants }, whose) {
      const tenant = tenantOf(whose)
      const { tenantId } = tenants[tenant]
      const serviceAccountId = await platform.serviceAccount(tenantId)
      const { id } = await platform.serviceKey(tenantId, serviceAccountId)
      return { ids: { serviceAccountId, keyId: id }, tenant }
    }
  },
  loginProvider: {
    param: 'loginProviderId',
    idKind: 'loginProvider',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const { clock, rows, server } = platform.world
      const tenant = tenantOf(whose)
      const id = newId('loginProvider', clock)
      const now = clock.now()
      await rows.insert('login_providers', {
        id,
        tenant_id: tenants[tenant].tenantId,
        name: id,
        issuer: server.origin,
        client_id: id,
        client_secret_sealed: 'of no use',
        client_secret_set_at: now,
        email_domains: [],
        created_at: now,
        updated_at: now
      })
      return { ids: { loginProviderId: id }, tenant }
    }
  },
  webhook: {
    param: 'webhookId',
    idKind: 'webhook',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const { clock, rows, server } = platform.world
      const tenant = tenantOf(whose)
      const id = newId('webhook', clock)
      const now = clock.now()
      const { tenantId } = tenants[tenant]
      const stream = { kind: 'webhook', state: 'active', since: now, cursor: 0 }
      await rows.insert('audit_streams', { id, tenant_id: tenantId, ...stream })
      await rows.insert('webhooks', {
        id,
        tenant_id: tenantId,
        name: id,
        url: `${server.origin}/hook`,
        events: ['audit.*'],
        created_at: now,
        updated_at: now
      })
      return { ids: { webhookId: id }, tenant }
    }
  },
  auditEvent: {
    param: 'auditEventId',
    idKind: 'auditEvent',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const { clock, sql } = platform.world
      const tenant = tenantOf(whose)
      const id = newId('auditEvent', clock)
      await sql(
        `INSERT INTO audit_events (tenant_id, seq, id, at, actor_kind, actor_id, action, object_kind, object_id,
                                   outcome, details, previous_hash, hash)
         SELECT $1, coalesce(max(seq), 0) + 1, $2, now(), 'system', 'matrix', 'login', 'user', '-',
                'succeeded', '{}', '', '' FROM audit_events WHERE tenant_id = $1`,
        [tenants[tenant].tenantId, id]
      )
      return { ids: { auditEventId: id }, tenant }
    }
  },
  invitation: {
    param: 'invitationId',
    idKind: 'invitation',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const { clock, rows } = platform.world
      const tenant = tenantOf(whose)
      const id = newId('invitation', clock)
      const now = clock.now()
      await rows.insert('invitations', {
        id,
        tenant_id: tenants[tenant].tenantId,
        email: `${id}@people.test`,
        role: 'member',
        team_ids: [],
        token_hash: createHash('sha256').update(id).digest('hex'),
        invited_by: 'usr_0',
        created_at: now,
        expires_at: new Date(now.getTime() + 3_600_000)
      })
      return { ids: { invitationId: id }, tenant }
    }
  },
  session: {
    param: 'sessionId',
    idKind: 'session',
    whose: ofPerson,
    async make(cast, whose, caller) {
      const { sql, rows } = cast.platform.world
      const person = personOf(cast, whose, caller)
      if (!person) return nothingOf({ param: 'sessionId', idKind: 'session' })
      const token = await rows.session(cast.tenantIds[person.tenant], person.userId)
      const [row] = await sql<{ id: string }>('SELECT id FROM sessions WHERE token_hash = $1', [
        createHash('sha256').update(token).digest('hex')
      ])
      return { ids: { sessionId: row?.id ?? '' }, ...person }
    }
  },
  signInAttempt: {
    param: 'signInAttemptId',
    idKind: 'signInAttempt',
    whose: ofPerson,
    async make(cast, whose, caller) {
      const { clock, rows, server } = cast.platform.world
      const person = personOf(cast, whose, caller)
      if (!person || person.tenant === 'house')
        return nothingOf({ param: 'signInAttemptId', idKind: 'signInAttempt' })
      const id = newId('signInAttempt', clock)
      const now = clock.now()
      await rows.insert('sign_in_attempts', {
        id,
        tenant_id: cast.tenantIds[person.tenant],
        user_id: person.userId,
        session_id: 'ses_0',
        fabric_id: cast.fabricOf[person.tenant === 'acme' ? 'own' : 'foreign'],
        app_connection_id: cast.tenants[person.tenant].connection.id,
        workspace_origin: server.origin,
        state_hash: randomUUID(),
        code_verifier_sealed: 'of no use',
        status: 'pending',
        created_at: now,
        expires_at: new Date(now.getTime() + 600_000)
      })
      return { ids: { signInAttemptId: id }, ...person }
    }
  },
  personalToken: {
    param: 'tokenId',
    idKind: 'personalToken',
    whose: ofPerson,
    async make(cast, whose, caller) {
      const person = personOf(cast, whose, caller)
      if (!person) return nothingOf({ param: 'tokenId', idKind: 'personalToken' })
      const { id } = await cast.platform.personalToken(cast.tenantIds[person.tenant], person.userId)
      return { ids: { tokenId: id }, ...person }
    }
  },
  delegation: {
    param: 'delegationId',
    idKind: 'delegation',
    whose: ['mine', 'foreign', 'nobody'],
    async make(cast, whose, caller) {
      // An admin sees everybody's of their tenant, so that globex's is its admin's own.
      const { userId, tenant } =
        cast.callers.find(
          ({ tenant, isTenantAdmin }) => whose === 'foreign' && tenant === 'globex' && isTenantAdmin
        ) ?? caller
      if (userId === null || tenant === 'house') {
        return nothingOf({ param: 'delegationId', idKind: 'delegation' })
      }
      const { platform } = cast
      const { tenantId, connection } = cast.tenants[tenant]
      const teamId = await platform.team(tenantId)
      const fabricId = await platform.fabric({ tenantId, teamId }, connection.id)
      const id = newId('delegation', platform.world.clock)
      await platform.world.rows.insert('delegations', {
        id,
        tenant_id: tenantId,
        user_id: userId,
        service_account_id: await platform.serviceAccount(tenantId),
        fabric_id: fabricId,
        has_endpoint_list: false,
        endpoints: [],
        created_at: platform.world.clock.now(),
        expires_at: new Date(platform.world.clock.now().getTime() + 3_600_000)
      })
      return { ids: { delegationId: id }, tenant, userId }
    }
  },
  memberToken: {
    param: 'memberTokenId',
    idKind: 'personalToken',
    whose: ofTeam,
    parent: 'user',
    async make(cast, whose, caller) {
      const { ids, tenant } = await makeUser(cast, whose)
      const tenantId = cast.tenantIds[tenant ?? caller.tenant]
      const { id } = await cast.platform.personalToken(tenantId, asId('user', ids.userId ?? ''))
      return { ids: { ...ids, memberTokenId: id }, tenant }
    }
  },
  scimToken: {
    param: 'scimTokenId',
    idKind: 'scimToken',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const tenant = tenantOf(whose)
      const { id } = await platform.scimToken(tenants[tenant].tenantId)
      return { ids: { scimTokenId: id }, tenant }
    }
  },
  scimUser: {
    param: 'scimUserId',
    idKind: 'scimUser',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const { clock, rows } = platform.world
      const tenant = tenantOf(whose)
      const id = newId('scimUser', clock)
      const now = clock.now()
      await rows.insert('scim_users', {
        id,
        tenant_id: tenants[tenant].tenantId,
        user_name: id,
        user_name_key: id,
        email_keys: [],
        is_active: true,
        profile: {},
        created_at: now,
        updated_at: now
      })
      return { ids: { scimUserId: id }, tenant }
    }
  },
  scimGroup: {
    param: 'scimGroupId',
    idKind: 'team',
    whose: ofTenant,
    async make({ platform, tenants }, whose) {
      const { clock, rows } = platform.world
      const tenant = tenantOf(whose)
      const { tenantId } = tenants[tenant]
      const id = await platform.team(tenantId)
      const now = clock.now()
      const owner = { tenant_id: tenantId, team_id: id }
      await rows.insert('scim_groups', { ...owner, created_at: now, updated_at: now })
      return { ids: { scimGroupId: id }, tenant }
    }
  },
  federatedIdentity: {
    param: 'federatedIdentityId',
    idKind: 'federatedIdentity',
    whose: ofTeam,
    parent: 'serviceAccount',
    async make({ platform, tenants }, whose) {
      const { clock, rows, server } = platform.world
      const tenant = tenantOf(whose)
      const { tenantId } = tenants[tenant]
      const serviceAccountId = await platform.serviceAccount(tenantId)
      const id = newId('federatedIdentity', clock)
      const now = clock.now()
      await rows.insert('federated_identities', {
        id,
        tenant_id: tenantId,
        service_account_id: serviceAccountId,
        name: id,
        issuer: server.origin,
        audience: 'weft',
        subject: id,
        claims: {},
        is_one_use: false,
        created_at: now,
        updated_at: now
      })
      return { ids: { serviceAccountId, federatedIdentityId: id }, tenant }
    }
  },
  tenant: {
    param: 'tenantId',
    idKind: 'tenant',
    whose: ['own', 'nobody'],
    async make({ platform }) {
      const slug = `t${randomUUID().slice(0, 8)}`
      const { tenantId } = await platform.world.rows.tenant(slug)
      return { ids: { tenantId, slug }, tenant: 'house' }
    }
  },
  incident: {
    param: 'incidentId',
    idKind: 'incident',
    whose: ['own', 'nobody'],
    parent: 'tenant',
    async make({ platform }) {
      const { clock, rows } = platform.world
      const { tenantId } = await rows.tenant(`t${randomUUID().slice(0, 8)}`)
      const id = newId('incident', clock)
      const by = { actor_kind: 'system', actor_id: 'cli', started_at: clock.now() }
      const target = { target_kind: 'tenant', target_id: tenantId }
      await rows.insert('incident_revocations', {
        id,
        tenant_id: tenantId,
        ...target,
        ...by,
        ended: {}
      })
      return { ids: { tenantId, incidentId: id }, tenant: 'house' }
    }
  },
  /** A tenant that somebody is a member of. */
  joinedTenant: {
    param: 'joinedTenantId',
    idKind: 'tenant',
    whose: ofTenant,
    async make({ tenants }, whose) {
      const tenant = tenantOf(whose)
      return { ids: { joinedTenantId: tenants[tenant].tenantId }, tenant }
    }
  }
} satisfies Record<string, Kind>

export type KindName = keyof typeof kinds

export function nothingOf({ param, idKind }: Pick<Kind, 'param' | 'idKind'>): Thing {
  return { ids: { [param]: noId(idKind), slug: 'nothing' }, tenant: null }
}

/** An id that nothing has. */
function noId(kind: IdKind): string {
  return `${idPrefixes[kind]}_${'0'.repeat(26)}`
}

async function makePrincipalFabric({ platform, placeOf, tenants }: Cast, team: TeamName) {
  const { connection } = tenants[team === 'foreign' ? 'globex' : 'acme']
  const place = placeOf[team]
  const principal = { clientId: randomUUID(), clientSecret: `canary-${randomUUID()}` }
  return { id: await platform.fabric(place, connection.id, principal), tenantId: place.tenantId }
}

/** A member of both teams of acme, or of globex's. */
async function makeUser({ platform, placeOf }: Cast, whose: Whose): Promise<Thing> {
  const { tenantId, teamId } = placeOf[whose === 'foreign' ? 'foreign' : 'own']
  const places = whose === 'foreign' ? [teamId] : [teamId, placeOf.other.teamId]
  const members = places.map((id) => [id, 'member'] as const)
  return { ids: { userId: await platform.person(tenantId, members) }, tenant: tenantOf(whose) }
}

function hostOf(id: string, tenant: TenantName): string {
  return `${id.replace('_', '-')}--${tenant}.${fabricDomain}`
}

function teamOf(whose: Whose): TeamName {
  return whose === 'other' || whose === 'foreign' ? whose : 'own'
}

function tenantOf(whose: Whose): 'acme' | 'globex' {
  return whose === 'foreign' ? 'globex' : 'acme'
}

/** The caller, or somebody else of theirs or of another tenant; null: the caller is nobody. */
function personOf({ bystanders }: Cast, whose: Whose, caller: Caller) {
  if (whose === 'mine') return caller.userId && { userId: caller.userId, tenant: caller.tenant }
  const isForeign = whose === 'foreign'
  return { userId: bystanders[isForeign ? 'foreign' : 'own'], tenant: tenantOf(whose) }
}
