import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId, type TeamId, type UserId } from '../../src/base/ids.ts'
import {
  mappedAdminOfHolder,
  membershipOfHolder,
  operatorOfHolder,
  type PersonsCredential,
  personalTokenOf,
  placesOfHolder,
  sessionOf
} from '../../src/store/credential-holders.ts'
import { isMappedAdmin } from '../../src/store/group-mappings.ts'
import { findMembership } from '../../src/store/memberships.ts'
import { isPlatformOperator } from '../../src/store/platform-operators.ts'
import { listTeamsOfUser, placesOf } from '../../src/store/teams.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
let teams: readonly TeamId[]
/** By group of a provider that is enabled, or not: the place in a team, or the tenant's admins. */
let mappings: Readonly<Record<'admin' | 'member' | 'tenantAdmin' | 'disabled', string>>

beforeAll(async () => {
  world = await createVaultWorld()
  const { rows, clock, seeded } = world
  const at = { created_at: clock.now() }
  const inTenant = { tenant_id: seeded.tenantId }
  const others = [newId('team', clock), newId('team', clock)]
  for (const [index, id] of others.entries()) {
    const kind = index === 0 ? 'shared' : 'personal'
    await rows.insert('teams', { id, ...inTenant, name: id, kind, ...at })
  }
  teams = [seeded.teamId, ...others]

  async function provider(isEnabled: boolean): Promise<string> {
    const id = newId('loginProvider', clock)
    const [client_id, now] = [randomUUID(), clock.now()]
    const secret = { client_secret_sealed: '', client_secret_set_at: now }
    const named = { name: id, issuer: 'https://idp.test', client_id, email_domains: [] }
    const state = { is_enabled: isEnabled, updated_at: now }
    await rows.insert('login_providers', { id, ...inTenant, ...named, ...secret, ...state, ...at })
    return id
  }
  async function mapping(loginProviderId: string, teamId: TeamId | null, role: string) {
    const id = newId('groupMapping', clock)
    const of = { login_provider_id: loginProviderId, group_id: randomUUID(), team_id: teamId }
    await rows.insert('group_mappings', { id, ...inTenant, ...of, role })
    return id
  }
  const [enabled, disabled] = [await provider(true), await provider(false)]
  mappings = {
    admin: await mapping(enabled, seeded.teamId, 'admin'),
    member: await mapping(enabled, others[0] ?? null, 'member'),
    tenantAdmin: await mapping(enabled, null, 'tenant_admin'),
    disabled: await mapping(disabled, null, 'tenant_admin')
  }
})
afterAll(() => world?.close())

/** What is read at once, and the same by the readings that others use. */
async function bothReadings(userId: UserId, credential: PersonsCredential) {
  const { scope } = world
  const { db } = world.own
  const { hash } = credential
  const of = credential.table === 'sessions' ? sessionOf(hash) : personalTokenOf(hash)
  const [[row], [membership], places, mappedAdmin, operator] = await db.askOwner(
    credential,
    of,
    membershipOfHolder(credential),
    placesOfHolder(credential),
    mappedAdminOfHolder(credential),
    operatorOfHolder(credential)
  )
  const atOnce = {
    row: row ?? null,
    membership: membership ?? null,
    teams: placesOf(places),
    isMappedAdmin: mappedAdmin.length > 0,
    isOperator: operator.length > 0
  }
  const oneByOne = await db.inTenant(scope, async (tx) => ({
    row:
      credential.table === 'sessions'
        ? await tx.rows.session.findFirst({ where: { tokenHash: hash } })
        : await tx.rows.personalToken.findFirst({ where: { hash } }),
    membership: await findMembership(tx, userId),
    teams: await listTeamsOfUser(tx, userId),
    isMappedAdmin: await isMappedAdmin(tx, userId),
    isOperator: await isPlatformOperator(tx, userId)
  }))
  return { atOnce, oneByOne }
}

const hashOf = (bearer: string) => createHash('sha256').update(bearer).digest('hex')

async function credentialsOf(userId: UserId): Promise<readonly PersonsCredential[]> {
  const { tenantId } = world.seeded
  return [
    { table: 'sessions', hash: hashOf(await world.rows.session(tenantId, userId)) },
    { table: 'personal_tokens', hash: hashOf(await world.rows.personalToken(tenantId, userId)) }
  ]
}

test('who stands behind a session or personal token is, read at once, whom the readings one by one find', async () => {
  const { rows, seeded, clock } = world
  const seen = new Set<string>()
  for (const groups of [[], ['admin', 'member'], ['tenantAdmin'], ['disabled']] as const) {
    const userId = await rows.user(seeded)
    const member = { tenant_id: seeded.tenantId, user_id: userId }
    await rows.insert('team_members', { ...member, team_id: teams[2], role: 'admin' })
    for (const group of groups)
      await rows.insert('mapped_members', { ...member, group_mapping_id: mappings[group] })
    if (groups.length === 0) {
      const added = { added_at: clock.now(), added_by: 'test' }
      await rows.insert('platform_operators', { user_id: userId, ...added })
    }
    for (const credential of await credentialsOf(userId)) {
      const { atOnce, oneByOne } = await bothReadings(userId, credential)
      expect(atOnce).toEqual(oneByOne)
      expect(atOnce.row?.userId).toBe(userId)
      const { isMappedAdmin, isOperator } = atOnce
      seen.add(JSON.stringify([atOnce.teams.map(({ role }) => role), isMappedAdmin, isOperator]))
    }
  }
  expect([...seen].sort()).toEqual(
    [
      [['member', 'admin'], false, true],
      [['admin', 'member', 'admin'], false, false],
      [['member', 'admin'], true, false],
      [['member', 'admin'], false, false]
    ]
      .map((one) => JSON.stringify(one))
      .sort()
  )
})

test('behind a hash that nobody has there is nobody', async () => {
  const credential = { table: 'sessions', hash: hashOf('nobody') } as const
  const { atOnce } = await bothReadings(await world.rows.user(world.seeded), credential)
  expect(atOnce).toEqual({
    row: null,
    membership: null,
    teams: [],
    isMappedAdmin: false,
    isOperator: false
  })
})
