import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import { asId } from '../../src/base/ids.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { begin, session, walk } from './signing-in.ts'
import { as, createWorld, faultOf, publicUrl, type World } from './world.ts'

let world: World
let connection: AppConnectionView
let fabric: FabricView
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  connection = await world.connect()
  fabric = await world.fabrics.create(as.lead, world.newFabric())
})

const finish = (callback: Parameters<World['fabrics']['finishSignIn']>[1], scope = as.member) =>
  world.fabrics.finishSignIn(scope, callback)
const redemptions = async () =>
  (await world.log()).filter(({ grantType }) => grantType === 'authorization_code').length
const grants = () =>
  world.sql<{ user_id: string; state: string }>('SELECT user_id, state FROM grants')

describe('an attempt', () => {
  test('A4 is of one use: of twenty callbacks at once one succeeds, and one code is redeemed', async () => {
    const { callback } = await begin(world, as.member, fabric.id)
    const before = await redemptions()
    const ends = await Promise.all(
      Array.from({ length: 20 }, () =>
        finish(callback).then(
          () => 'done',
          (error) => error.code
        )
      )
    )
    expect(ends.sort()).toEqual([...Array(19).fill('attempt_expired'), 'done'])
    expect((await redemptions()) - before).toBe(1)
    expect((await faultOf(finish(callback))).code).toBe('attempt_expired')
    expect(await grants()).toHaveLength(1)
  })

  test('ends after ten minutes', async () => {
    const early = await begin(world, as.member, fabric.id)
    world.clock.advance(10 * 60_000 + 1)
    const before = await redemptions()
    expect((await faultOf(finish(early.callback))).code).toBe('attempt_expired')
    expect((await redemptions()) - before).toBe(0)
    expect((await world.fabrics.signInAttempt(as.member, early.attemptId)).status).toBe('expired')
  })

  test('F31 five tabs, in any order: each completes', async () => {
    const tabs = []
    for (let tab = 0; tab < 5; tab += 1)
      tabs.push(await begin(world, as.member, fabric.id, { returnTo: `/${tab}` }))
    for (const tab of [3, 0, 4, 2, 1]) {
      const { callback } = tabs[tab] ?? expect.fail('five tabs')
      expect((await finish(callback)).returnTo).toBe(`/${tab}`)
    }
    expect(await grants()).toHaveLength(1)
  })

  test('F31 five tabs that come back at once: each completes', async () => {
    const tabs = []
    for (let tab = 0; tab < 5; tab += 1) tabs.push(await begin(world, as.member, fabric.id))
    await Promise.all(tabs.map(({ callback }) => finish(callback)))
    expect(await grants()).toHaveLength(1)
    expect((await world.fabrics.connection(as.member, fabric.id)).state).toBe('active')
  })

  test('B5 B6 F30 is finished by nobody but who began it, where they began it; others are refused and recorded', async () => {
    const other = await world.appConnections.create(as.admin, {
      name: 'Other',
      provider: 'databricks'
    })
    const { callback, attemptId } = await begin(world, as.member, fabric.id)
    const before = await redemptions()
    for (const [who, change] of [
      [as.lead, {}],
      [as.admin, {}],
      [as.stranger, {}],
      [as.member, { sessionId: 'ses_other' }],
      [as.member, { appConnectionId: other.id }],
      [as.member, { appConnectionId: asId('appConnection', 'apc_nowhere') }]
    ] as const) {
      const fault = await faultOf(world.fabrics.finishSignIn(who, { ...callback, ...change }))
      expect(fault.code).toBe('attempt_not_yours')
    }
    const refused = (await world.audit('sign_in_attempt.finish')).map(
      ({ outcome, code, actor_id }) => ({ outcome, code, actor_id })
    )
    const by = (actor: string) => ({
      outcome: 'refused',
      code: 'attempt_not_yours',
      actor_id: actor
    })
    const actors = [
      'usr_lead',
      'usr_admin',
      'usr_stranger',
      'usr_member',
      'usr_member',
      'usr_member'
    ]
    expect(refused).toEqual(actors.map(by))
    expect((await redemptions()) - before).toBe(0)
    expect(await grants()).toEqual([])
    expect((await world.fabrics.signInAttempt(as.member, attemptId)).status).toBe('pending')
    await expect(finish(callback)).resolves.toMatchObject({ id: attemptId })
  })

  test('F48 begun on one replica is finished on another, told on a third, and used up on all', async () => {
    const [one, other, third] = [world.replica(), world.replica(), world.replica()]
    const started = await one.startSignIn(as.member, fabric.id, {
      sessionId: session,
      returnTo: '/console',
      publicUrl: `${publicUrl}/inside`
    })
    const redirectUri = `${publicUrl}/inside/oauth/callback/${connection.id}`
    await world.register([connection.redirectUri, redirectUri])
    const callback = await walk(started.authorizationUrl)
    expect(await other.finishSignIn(as.member, callback)).toMatchObject({ status: 'succeeded' })
    expect(await third.signInAttempt(as.member, started.attemptId)).toMatchObject({
      status: 'succeeded',
      workspaceUser: { userName: 'dev@acme.test' }
    })
    expect((await third.connection(as.member, fabric.id)).state).toBe('active')
    expect((await faultOf(one.finishSignIn(as.member, callback))).code).toBe('attempt_expired')
    expect(await grants()).toHaveLength(1)
  })

  test('B6 with another attempt’s code is refused by the workspace: the verifier does not fit', async () => {
    const theirs = await begin(world, as.lead, fabric.id)
    const mine = await begin(world, as.member, fabric.id)
    const injected = new URLSearchParams(mine.callback.query)
    injected.set('code', new URLSearchParams(theirs.callback.query).get('code') ?? '')
    const fault = await faultOf(finish({ ...mine.callback, query: injected.toString() }))
    expect(fault.code).toBe('attempt_expired')
    expect(await grants()).toEqual([])
  })

  test.each([
    '',
    'code=x',
    'code=x&state=',
    'code=x&state=nobody',
    'state=a&state=b',
    'error=x',
    '%00=%zz&state[]=x'
  ])('with the callback %s is none, and nothing is asked of the workspace', async (query) => {
    const before = await redemptions()
    const callback = { appConnectionId: connection.id, query, sessionId: session }
    expect((await faultOf(finish(callback))).code).toBe('attempt_expired')
    expect((await redemptions()) - before).toBe(0)
  })
})
