import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId } from '../../src/base/ids.ts'
import { testSteps } from '../../src/fabrics/test-results.ts'
import { signIn } from './signing-in.ts'
import { failedAt, idle, principalOf, summary, tester } from './testing.ts'
import { as, client, createWorld, faultOf, principal, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

const { run, runUnsaved, heard, listener } = tester(() => world)
const allPassed = failedAt('compute', 'passed')

describe('a connection that works', () => {
  beforeEach(() => world.connect())

  test('as oneself: every step, each told as it ends, and who one is', async () => {
    const result = await run('user')
    expect(summary(result)).toEqual(allPassed)
    expect(heard).toEqual(testSteps)
    expect(result).toMatchObject({
      ok: true,
      identity: { userName: 'dev@acme.test', kind: 'user' }
    })
    const trail = await world.audit('fabric.test')
    expect(trail).toMatchObject([
      { outcome: 'succeeded', actor_id: 'usr_lead', details: { as: 'user' } }
    ])
  })

  test.each(['saved', 'unsaved'])('as the service principal, %s', async (kind) => {
    const more = { servicePrincipal: principalOf(principal) }
    const result = await (kind === 'saved' ? run : runUnsaved)('service_principal', more)
    expect(summary(result)).toEqual(allPassed)
    expect(result.identity).toMatchObject({
      userName: principal.clientId,
      kind: 'service_principal'
    })
  })

  test('a Spark fabric with a running cluster', async () => {
    const compute = { clusterId: world.workspace.compute.runningClusterId }
    expect(summary(await run('user', { kind: 'spark', compute }))).toEqual(allPassed)
  })

  test('a stopped warehouse is well: its first statement starts it', async () => {
    const compute = { warehouseId: world.workspace.compute.stoppedWarehouseId }
    expect(summary(await run('user', { compute }))).toEqual(allPassed)
  })

  test('without compute its step is skipped, and the test is passed', async () => {
    const result = await run('user', { compute: undefined })
    expect([summary(result).compute, result.ok]).toEqual(['skipped', true])
  })

  test('as oneself, before saving, with the sign-in that one has at this workspace', async () => {
    const fabric = await world.fabrics.create(as.lead, world.newFabric({ name: 'First' }))
    await signIn(world, as.lead, fabric.id)
    expect(summary(await runUnsaved('user'))).toEqual(allPassed)
  })

  test('before saving, nothing is stored but the record', async () => {
    await runUnsaved('service_principal', { servicePrincipal: principalOf(principal) })
    for (const table of ['fabrics', 'service_principals', 'grants', 'grant_tokens']) {
      expect(await world.sql(`SELECT FROM ${table}`), table).toEqual([])
    }
    expect(await world.audit('fabric.test')).toHaveLength(1)
  })
})

describe('who may test what', () => {
  test('another tenant’s app connection reads like none, also before saving', async () => {
    const { id } = await world.connect()
    const ask = async (appConnectionId: typeof id) => {
      const input = world.newFabric({ teamId: asId('team', 'team_green'), appConnectionId })
      return {
        ...(await faultOf(world.fabrics.testUnsaved(as.stranger, input, 'user', listener, idle())))
      }
    }
    expect(await ask(id)).toEqual(await ask(asId('appConnection', 'apc_nowhere')))
  })

  test('a test that is called off stops, and says so', async () => {
    await world.connect()
    const { id } = await world.fabrics.create(as.lead, world.newFabric())
    const { steps } = await world.fabrics.testConnection(
      as.lead,
      id,
      'user',
      listener,
      AbortSignal.abort()
    )
    expect(steps.filter(({ status }) => status === 'passed')).toEqual([])
  })

  test('no answer and no record holds a secret, whatever fails', async () => {
    await world.connect()
    await world.faults({
      tokenBody: `{"error":"x","error_description":"${client.clientSecret}"}`,
      tokenStatus: 400
    })
    const result = await run('service_principal', { servicePrincipal: principalOf(principal) })
    expect(JSON.stringify(result) + (await world.dump())).not.toContain('canary')
  })
})
