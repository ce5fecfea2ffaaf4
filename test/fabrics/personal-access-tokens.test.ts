import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { FabricView, NewFabric } from '../../src/fabrics/fabrics.ts'
import { signIn } from './signing-in.ts'
import { idle, summary, unheard } from './testing.ts'
import { as, blue, createWorld, faultOf, publicUrl, type World } from './world.ts'

let world: World
const mine = 'dapi-canary-of-dev-0001'
const another = 'dapi-canary-of-dev-0002'
const others = 'dapi-canary-of-other-0001'
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  for (const token of [mine, another]) await world.personalToken(token, 'dev@acme.test')
  await world.personalToken(others, 'other@acme.test')
})

const hourMs = 60 * 60_000
const create = async (more: Partial<NewFabric> = {}) => {
  const made = await world.fabrics.create(as.lead, world.newFabric({ authMethod: 'pat', ...more }))
  return await world.fabrics.complete(as.lead, made.id)
}
const put = ({ id }: FabricView, token = mine, expiresAt: Date | null = null, scope = as.lead) =>
  world.fabrics.putPersonalToken(scope, id, { token: new Secret(token), expiresAt })
const connection = ({ id }: FabricView, scope: (typeof as)['lead'] = as.lead) =>
  world.fabrics.connection(scope, id)
const discover = ({ id }: FabricView, scope: (typeof as)['lead'] = as.lead) =>
  world.fabrics.discover(scope, id, {
    kind: 'warehouse',
    as: null,
    text: null,
    limit: 5,
    cursor: null
  })

describe('a fabric with personal access tokens', () => {
  test('asks nothing of an app connection, and needs a token of each person', async () => {
    const made = await create()
    expect(made.warnings.map(({ code }) => code)).toEqual(['service_principal_missing'])
    expect(await connection(made)).toMatchObject({
      state: 'needs_sign_in',
      cause: 'never_signed_in'
    })
    expect(await faultOf(discover(made))).toMatchObject({
      code: 'sign_in_needed',
      actionUrl: `/console/fabrics/${made.id}/connection`
    })
    expect(await put(made)).toMatchObject({
      state: 'active',
      workspaceUser: { userName: 'dev@acme.test' },
      accessTokenExpiresAt: null,
      predictedSignInAt: null
    })
    expect((await discover(made)).items.length).toBeGreaterThan(0)
    expect((await world.fabrics.get(as.lead, made.id)).health.state).toBe('active')
    expect((await faultOf(discover(made, as.member))).code).toBe('sign_in_needed')
    const result = await world.fabrics.testConnection(as.lead, made.id, 'user', unheard, idle())
    expect(summary(result)).toMatchObject({
      token: 'passed',
      identity: 'passed',
      scopes: 'skipped'
    })
    expect(result.identity?.userName).toBe('dev@acme.test')
  })

  test('leads whoever has none to where they give it, from a test and from a sign-in too', async () => {
    const { id } = await create()
    const path = `/console/fabrics/${id}/connection`
    const { steps } = await world.fabrics.testConnection(as.lead, id, 'user', unheard, idle())
    expect(steps.find(({ step }) => step === 'token')).toMatchObject({
      code: 'sign_in_needed',
      action: 'Give your personal access token of the workspace, and test again',
      actionUrl: `${publicUrl}${path}`
    })
    const start = { sessionId: 'ses_lead', returnTo: null }
    expect(await faultOf(world.fabrics.startSignIn(as.lead, id, start))).toMatchObject({
      code: 'conflict',
      actionUrl: path
    })
  })

  test('C9 the token goes in and never comes out, and each one is on record', async () => {
    const made = await create()
    const shown = [await put(made), await faultOf(put(made, 'dapi-canary-of-nobody'))]
    const all = shown.map((one) => inspect(one, { depth: 20 })).join()
    expect(`${all}${await world.dump()}`).not.toMatch(/canary/)
    expect(await world.audit('connection.put_token')).toMatchObject([
      { actor_id: 'usr_lead', details: { workspaceUser: 'dev@acme.test' } }
    ])
  })

  test('a token that the workspace does not take is not kept, and nor is one in a mask’s place', async () => {
    const made = await create()
    const faults = [
      ['dapi-canary-of-nobody', null, '/token'],
      ['••••', null, '/token'],
      [mine, new Date(world.clock.now().getTime() - 1), '/expiresAt']
    ] as const
    for (const [token, expiresAt, pointer] of faults) {
      expect(await faultOf(put(made, token, expiresAt))).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer }]
      })
    }
    await world.faults({ ipBlocked: true })
    expect((await faultOf(put(made))).code).toBe('ip_not_allowed')
    expect(await world.sql('SELECT FROM grants')).toEqual([])
  })

  test('a dead one ends the connection until another is given; nothing is tried meanwhile', async () => {
    const made = await create()
    await put(made)
    await world.personalToken(mine, null)
    expect((await faultOf(discover(made))).code).toBe('sign_in_needed')
    expect(await connection(made)).toMatchObject({
      state: 'needs_sign_in',
      cause: 'personal_access_token_refused'
    })
    const before = (await world.log()).length
    expect((await faultOf(discover(made))).code).toBe('sign_in_needed')
    expect(await world.log()).toHaveLength(before)
    expect(await put(made, another)).toMatchObject({ state: 'active', cause: null })
    expect((await discover(made)).items.length).toBeGreaterThan(0)
  })

  test('is good until the end that was told, with a warning a day ahead', async () => {
    const made = await create()
    const expiresAt = new Date(world.clock.now().getTime() + 12 * hourMs)
    expect(await put(made, mine, expiresAt)).toMatchObject({
      accessTokenExpiresAt: expiresAt,
      warnings: [{ code: 'sign_in_expiring', owner: 'caller' }]
    })
    world.clock.advance(12 * hourMs - 1_000)
    expect((await discover(made)).items.length).toBeGreaterThan(0)
    world.clock.advance(2_000)
    expect((await faultOf(discover(made))).code).toBe('sign_in_needed')
  })

  test('stands for one workspace user, until it is dropped', async () => {
    const made = await create()
    await put(made)
    expect((await faultOf(put(made, others))).code).toBe('conflict')
    await world.fabrics.signOut(as.lead, made.id)
    expect((await connection(made)).cause).toBe('never_signed_in')
    expect(await put(made, others)).toMatchObject({
      workspaceUser: { userName: 'other@acme.test' }
    })
  })

  test('is refused where people sign in by OAuth, and to whom the fabric is nothing', async () => {
    const oauth = await world.fabrics.create(as.lead, world.newFabric({ name: 'OAuth' }))
    expect((await faultOf(put(oauth))).code).toBe('conflict')
    const made = await create()
    for (const scope of [as.outsider, as.stranger]) {
      expect((await faultOf(put(made, mine, null, scope))).code).toBe('not_found')
    }
  })
})

describe('fabrics on one workspace', () => {
  test('share a person’s token, and no other workspace sees it', async () => {
    const one = await create({ name: 'One' })
    const two = await create({ name: 'Two', kind: 'spark', compute: undefined })
    const far = await create({ name: 'Far', workspaceUrl: world.elsewhere.url })
    await put(one)
    expect((await connection(two)).state).toBe('active')
    expect((await connection(far)).cause).toBe('never_signed_in')
    expect((await connection(one, as.member)).cause).toBe('never_signed_in')
    const { id, version } = two
    const moved = await world.fabrics.update(as.lead, id, {
      version,
      workspaceUrl: world.elsewhere.url
    })
    expect((await connection(moved)).cause).toBe('never_signed_in')
  })

  test('share a person’s sign-in, which no transfer hands to anybody else', async () => {
    await world.connect()
    const [one, two] = await Promise.all(
      ['One', 'Two'].map((name) => world.fabrics.create(as.lead, world.newFabric({ name })))
    )
    if (!one || !two) throw new TypeError('two were made')
    await signIn(world, as.lead, one.id)
    expect(await connection(two)).toMatchObject({
      state: 'active',
      workspaceUser: { userName: 'dev@acme.test' }
    })
    expect((await connection(two, as.member)).cause).toBe('never_signed_in')
    await world.fabrics.transfer(as.admin, two.id, { teamId: blue, version: two.version })
    expect((await connection(two, as.outsider)).cause).toBe('never_signed_in')
    expect((await connection(one)).state).toBe('active')
  })
})
