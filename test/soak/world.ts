import { randomBytes, randomUUID } from 'node:crypto'
import { asId, type FabricId, type TenantId, type UserId } from '../../src/base/ids.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../../src/base/tenant-scope.ts'
import type { VaultWorld } from '../support/vault-world.ts'
import type { Answer, Call, Caller } from './client.ts'
import type { Dice } from './dice.ts'
import type { Fleet } from './fleet.ts'
import type { SoakProvider } from './provider.ts'

/** A tenant's fabric on one provider, with its own app connection and service principal. */
export interface Place {
  readonly tenantId: TenantId
  readonly fabricId: FabricId
  readonly appConnectionId: string
  readonly provider: SoakProvider
  readonly clientId: string
  readonly principalId: string
}

export interface Person {
  readonly name: string
  readonly userId: UserId
  readonly caller: Caller
  readonly places: readonly Place[]
  /** Places at which they have a sign-in, as far as they know. */
  readonly signedIn: Set<Place>
}

export interface Tenant {
  readonly tenantId: TenantId
  readonly scope: TenantScope
  readonly admin: Caller
  readonly places: readonly Place[]
  readonly people: readonly Person[]
  readonly machine: Caller
}

export function newSecret(): string {
  return `canary-cs-${randomBytes(18).toString('base64url')}`
}

interface WorldDeps {
  readonly world: VaultWorld
  readonly fleet: Fleet
  readonly dice: Dice
  readonly providers: readonly SoakProvider[]
}

/** A tenant set up over the API, as its admin would: app connections, fabrics, people, a service account. */
export async function setUpTenant(deps: WorldDeps, people: number): Promise<Tenant> {
  const { world, fleet, dice } = deps
  const { rows } = world
  const seeded = await rows.tenant(`soak-${randomBytes(4).toString('hex')}`)
  const { tenantId, teamId } = seeded
  const adminId = await rows.user(seeded)
  await world.sql(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1`, [adminId])
  const admin = { session: await rows.session(tenantId, adminId) }

  async function make(path: string, body: unknown): Promise<{ id: string; version: number }> {
    const answer = await fleet.call(dice, admin, { method: 'POST', path, body })
    if (answer === null || answer.status >= 300) {
      throw new TypeError(`${path}: ${answer?.status} ${answer?.text}`)
    }
    return JSON.parse(answer.text) as { id: string; version: number } // by the API's contract
  }

  const places: Place[] = []
  for (const [at, provider] of deps.providers.entries()) {
    const [clientId, principalId] = [randomUUID(), randomUUID()]
    const [clientSecret, principalSecret] = [newSecret(), newSecret()]
    provider.server.clients.set(clientId, new Set([clientSecret]))
    provider.server.clients.set(principalId, new Set([principalSecret]))
    const connection = await make('/api/v1/app-connections', {
      name: `connection ${at}`,
      provider: 'databricks',
      clientId,
      clientSecret,
      isDefault: at === 0,
      tokenPolicy: { hasSingleUseRefreshTokens: provider.policy.known }
    })
    const fabric = await make('/api/v1/fabrics', {
      name: `fabric ${at}`,
      teamId,
      kind: 'sql',
      provider: 'databricks',
      workspaceUrl: provider.origin,
      authMethod: 'oauth',
      appConnectionId: connection.id,
      servicePrincipal: { clientId: principalId, clientSecret: principalSecret }
    })
    await make(`/api/v1/fabrics/${fabric.id}/complete`, undefined)
    const fabricId = asId('fabric', fabric.id)
    const appConnectionId = connection.id
    places.push({ tenantId, fabricId, appConnectionId, provider, clientId, principalId })
  }

  const key = await rows.serviceKey(
    tenantId,
    places.map(({ fabricId }) => fabricId)
  )
  const made: Person[] = []
  for (let at = 0; at < people; at += 1) {
    const userId = await rows.user(seeded)
    const caller = { session: await rows.session(tenantId, userId) }
    made.push({ name: userId, userId, caller, places, signedIn: new Set() })
  }
  const scope = makeTenantScope(tenantId, { kind: 'system', id: 'soak' }, systemAuthority)
  return { tenantId, scope, admin, places, people: made, machine: { key } }
}

export function workspaceNameOf(person: Person): string {
  return `${person.userId}@workspace.test`
}

type CallFleet = (caller: Caller, call: Call) => Promise<Answer | null>

/** A whole sign-in, as browser and workspace do it. @returns whether it succeeded */
export async function signIn(call: CallFleet, person: Person, place: Place): Promise<boolean> {
  const path = `/api/v1/fabrics/${place.fabricId}/sign-in`
  const started = await call(person.caller, { method: 'POST', path, body: {} })
  if (started?.status !== 200) return false
  const { authorizationUrl } = JSON.parse(started.text) as { authorizationUrl: string } // by contract
  const state = new URL(authorizationUrl).searchParams.get('state') ?? ''
  const code = randomBytes(12).toString('hex')
  place.provider.server.codes.set(code, workspaceNameOf(person))
  const query = new URLSearchParams({ code, state })
  const callback = `/oauth/callback/${place.appConnectionId}?${query}`
  const ended = await call(person.caller, { method: 'GET', path: callback })
  return ended !== null && ended.status < 400
}
