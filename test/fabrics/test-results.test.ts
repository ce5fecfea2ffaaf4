import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId, type FabricId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricPatch } from '../../src/fabrics/fabrics.ts'
import type { TestAs } from '../../src/fabrics/test-results.ts'
import { begin, signIn } from './signing-in.ts'
import { idle, principalOf, unheard } from './testing.ts'
import { as, createWorld, faultOf, principal, type World } from './world.ts'

let world: World
let id: FabricId
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  world.clock.advance(30_000) // so that this one person may test on
  await world.connect()
  const servicePrincipal = principalOf(principal)
  id = (await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))).id
})

const run = (who: TestAs, scope: typeof as.lead = as.lead) =>
  world.fabrics.testConnection(scope, id, who, unheard, idle())
const results = (scope: typeof as.lead = as.lead) => world.fabrics.testResults(scope, id)
const update = async (patch: Omit<FabricPatch, 'version'>) => {
  const { version } = await world.fabrics.get(as.lead, id)
  await world.fabrics.update(as.lead, id, { ...patch, version })
}

describe('the latest test', () => {
  test('there is none before the first', async () => {
    expect(await results()).toEqual({ user: null, servicePrincipal: null })
  })

  test('both identities at once stand side by side, with who ran them and how long ago', async () => {
    await signIn(world, as.lead, id)
    const [user, servicePrincipal] = await Promise.all([run('user'), run('service_principal')])
    world.clock.advance(90_000)
    const shown = await results()
    expect(shown.user).toMatchObject({ as: 'user', isOutdated: false, changedSince: [] })
    expect(shown.user?.result).toEqual(JSON.parse(JSON.stringify(user)))
    expect(shown.servicePrincipal?.result).toEqual(JSON.parse(JSON.stringify(servicePrincipal)))
    expect(shown.servicePrincipal).toMatchObject({
      as: 'service_principal',
      testedBy: { id: 'usr_lead', name: 'usr_lead' }
    })
    expect(shown.user?.ageSeconds).toBeGreaterThanOrEqual(90)
    expect(shown.user?.ageSeconds).toBeLessThan(150)
  })

  test('as oneself it is one’s own, as the service principal it is everybody’s', async () => {
    await run('user')
    await run('service_principal')
    expect(await results(as.member)).toMatchObject({
      user: null,
      servicePrincipal: { testedBy: { id: 'usr_lead' } }
    })
    await run('service_principal', as.admin)
    expect((await results()).servicePrincipal?.testedBy.id).toBe('usr_admin')
    expect(await world.sql('SELECT FROM connection_tests')).toHaveLength(2)
  })

  test('one that failed is kept as well, and the next takes its place', async () => {
    expect((await run('user')).ok).toBe(false)
    expect((await results()).user?.result.ok).toBe(false)
    await signIn(world, as.lead, id)
    expect((await results()).user).toMatchObject({ isOutdated: true, changedSince: ['signIn'] })
    await run('user')
    expect((await results()).user).toMatchObject({ isOutdated: false, result: { ok: true } })
  })

  test('one that was called off is not kept', async () => {
    await world.fabrics.testConnection(as.lead, id, 'user', unheard, AbortSignal.abort())
    expect((await results()).user).toBeNull()
  })

  test('goes with its fabric', async () => {
    await run('user')
    await world.fabrics.remove(as.lead, id)
    expect(await world.sql('SELECT FROM connection_tests')).toEqual([])
  })

  test('holds no secret', async () => {
    await run('service_principal')
    expect(JSON.stringify(await world.sql('SELECT * FROM connection_tests'))).not.toContain(
      'canary'
    )
  })
})

describe('what has changed since a test marks it outdated, each for whom it matters', () => {
  const changes: readonly [string, () => Promise<unknown>, string[], string[]][] = [
    ['its name', () => update({ name: 'Other' }), [], []],
    [
      'its workspace',
      () => update({ workspaceUrl: world.elsewhere.url }),
      ['workspaceUrl', 'signIn'],
      ['workspaceUrl', 'servicePrincipal']
    ],
    ['its compute', () => update({ compute: { schema: 'x' } }), ['compute'], ['compute']],
    [
      'the service principal’s secret',
      () => {
        world.clock.advance(1_000)
        const clientSecret = new Secret('another-secret-of-it')
        return update({ servicePrincipal: { clientId: principal.clientId, clientSecret } })
      },
      [],
      ['servicePrincipal']
    ],
    [
      'the app connection’s scopes',
      () => world.sql(`UPDATE app_connections SET scopes = '{sql,offline_access}'`),
      ['appConnection'],
      []
    ],
    [
      'the app connection’s secret',
      async () => {
        const [row] = await world.sql<{ id: string }>('SELECT id FROM app_connections')
        const clientSecret = new Secret('another-secret-of-the-app')
        await world.appConnections.addSecret(as.admin, asId('appConnection', row?.id ?? ''), {
          clientSecret
        })
      },
      ['appConnection'],
      []
    ],
    ['a new sign-in', () => signInLater(), ['signIn'], []]
  ]
  const signInLater = async () => {
    world.clock.advance(1_000)
    const { callback } = await begin(world, as.lead, id)
    await world.fabrics.finishSignIn(as.lead, callback)
  }

  test.each(changes)('%s', async (_, change, user, servicePrincipal) => {
    await signIn(world, as.lead, id)
    await run('user')
    await run('service_principal')
    await change()
    const shown = await results()
    expect([shown.user?.changedSince, shown.servicePrincipal?.changedSince]).toEqual([
      user,
      servicePrincipal
    ])
    expect([shown.user?.isOutdated, shown.servicePrincipal?.isOutdated]).toEqual([
      user.length > 0,
      servicePrincipal.length > 0
    ])
  })
})

describe('who may see them', () => {
  test('404 in the same words for another tenant, another team and no such fabric', async () => {
    const ask = (scope: typeof as.lead, wanted: FabricId) =>
      faultOf(world.fabrics.testResults(scope, wanted))
    const none = await ask(as.lead, asId('fabric', 'fab_nowhere'))
    for (const scope of [as.stranger, as.outsider]) {
      expect({ ...(await ask(scope, id)) }).toEqual({ ...none })
    }
  })
})
