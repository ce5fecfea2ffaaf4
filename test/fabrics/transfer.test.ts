import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope } from '../../src/base/tenant-scope.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { authorityOf } from '../../src/identity/roles.ts'
import { unheard } from './testing.ts'
import { as, blue, createWorld, faultOf, green, principal, red, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

/** Admin of red and of blue. */
const both = makeTenantScope(
  asId('tenant', 'ten_acme'),
  { kind: 'user', id: asId('user', 'usr_lead') },
  authorityOf({
    kind: 'user',
    role: 'member',
    teams: [red, blue].map((id) => ({ id, role: 'admin' as const }))
  })
)
const servicePrincipal = {
  clientId: principal.clientId,
  clientSecret: new Secret(principal.clientSecret)
}
const transfer = ({ id, version }: FabricView, scope: (typeof as)['lead'], teamId = blue) =>
  world.fabrics.transfer(scope, id, { teamId, version })

describe('C10 a fabric that moves to another team', () => {
  test('C10 leaves its secret, its grant and its service accounts behind, and says so', async () => {
    const made = await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
    const signal = new AbortController().signal
    await world.fabrics.testConnection(as.lead, made.id, 'service_principal', unheard, signal)
    await world.sql(`INSERT INTO service_accounts (id, tenant_id, name, created_at)
                     VALUES ('sva_1', 'ten_acme', 's', now())`)
    await world.sql(
      `INSERT INTO service_account_fabrics VALUES ('ten_acme', 'sva_1', $1, false, '{}')`,
      [made.id]
    )
    const { fabric, dropped } = await transfer(made, both)
    expect(dropped).toEqual({ servicePrincipal: principal.clientId, serviceAccountIds: ['sva_1'] })
    expect(fabric).toMatchObject({ teamId: blue, servicePrincipal: null, version: 2 })
    for (const table of ['service_principals', 'grants', 'service_account_fabrics']) {
      expect(await world.sql(`SELECT FROM ${table}`), table).toEqual([])
    }
    expect((await faultOf(world.fabrics.get(as.lead, made.id))).code).toBe('not_found')
    expect(await world.audit('fabric.transfer')).toMatchObject([
      { details: { from: red, to: blue, servicePrincipal: principal.clientId } }
    ])
  })

  test('is for a tenant admin, or an admin of both teams; otherwise nothing moves', async () => {
    const made = await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
    for (const [scope, teamId, code] of [
      [as.lead, blue, 'not_found'],
      [as.member, red, 'forbidden'],
      [as.outsider, blue, 'not_found'],
      [as.stranger, green, 'not_found'],
      [as.admin, green, 'not_found'],
      [as.admin, asId('team', 'team_none'), 'not_found']
    ] as const) {
      expect((await faultOf(transfer(made, scope, teamId))).code).toBe(code)
    }
    const stale = world.fabrics.transfer(as.admin, made.id, { teamId: blue, version: 9 })
    expect((await faultOf(stale)).code).toBe('version_conflict')
    expect(await world.fabrics.get(as.lead, made.id)).toEqual(made)
    expect((await transfer(made, as.admin)).fabric.teamId).toBe(blue)
  })

  test('to the team that it is of: nothing is dropped and nothing recorded', async () => {
    const made = await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
    const { fabric, dropped } = await transfer(made, as.lead, red)
    expect(fabric).toEqual(made)
    expect(dropped).toEqual({ servicePrincipal: null, serviceAccountIds: [] })
    expect(await world.audit('fabric.transfer')).toEqual([])
  })
})
