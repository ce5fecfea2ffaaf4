import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import type { TestAs } from '../../src/fabrics/test-results.ts'
import { signIn } from './signing-in.ts'
import { idle, unheard } from './testing.ts'
import { as, createWorld, faultOf, principal, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs
const given = (clientSecret: string, expiresAt?: Date) => ({
  clientSecret: new Secret(clientSecret),
  ...(expiresAt && { expiresAt })
})
const secretNo = (index: number) => given(`canary-principal-secret-no-${index}`)
const inDays = (days: number) => new Date(world.clock.now().getTime() + days * dayMs)
const create = (expiresAt?: Date) => {
  const { clientId, clientSecret } = principal
  const servicePrincipal = { clientId, ...given(clientSecret, expiresAt) }
  return world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
}
const add = ({ id }: FabricView, secret = secretNo(2), scope: (typeof as)['lead'] = as.lead) =>
  world.fabrics.addPrincipalSecret(scope, id, secret)
const remove = ({ id }: FabricView, secretId: string, scope: (typeof as)['lead'] = as.lead) =>
  world.fabrics.removePrincipalSecret(scope, id, asId('clientSecret', secretId))
const get = ({ id }: FabricView) => world.fabrics.get(as.lead, id)
const testAs = ({ id }: FabricView) =>
  world.fabrics.testConnection(as.lead, id, 'service_principal', unheard, idle())
const secretsOf = (view: FabricView) => view.servicePrincipal?.clientSecrets ?? []
const hints = (view: FabricView) => secretsOf(view).map(({ state, hint }) => `${state} ${hint}`)

describe('secrets of a service principal', () => {
  test('a new one is current and shown as the secret, the older ones are previous until deleted', async () => {
    const made = await create()
    expect(hints(made)).toEqual(['current …77aa'])
    const next = await add(made)
    expect(hints(next)).toEqual(['current …no-2', 'previous …77aa'])
    expect(next.servicePrincipal?.clientSecret).toMatchObject({ isSet: true, hint: '…no-2' })
    expect(next.version).toBe(made.version + 1)
    const [, old] = secretsOf(next)
    await remove(next, old?.id ?? '')
    expect(hints(await get(made))).toEqual(['current …no-2'])
    expect((await faultOf(remove(made, old?.id ?? ''))).code).toBe('not_found')
  })

  test('the last one stays for as long as the service principal does', async () => {
    const made = await create()
    const [only] = secretsOf(made)
    expect((await faultOf(remove(made, only?.id ?? ''))).code).toBe('conflict')
    expect(await get(made)).toEqual(made)
  })

  test('are as many as the provider allows, and added one at a time however many come at once', async () => {
    const made = await create()
    const ends = await Promise.allSettled(
      [2, 3, 4, 5, 6, 7, 8].map((no) => add(made, secretNo(no)))
    )
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    for (const end of ends) if (end.status === 'rejected') expect(end.reason.code).toBe('conflict')
    const states = secretsOf(await get(made)).map(({ state }) => state)
    expect(states).toEqual(['current', 'previous', 'previous', 'previous', 'previous'])
  })

  test('one that the workspace does not take yet costs nothing: the one before it is tried next', async () => {
    const made = await create()
    const next = await add(made)
    expect((await testAs(made)).ok).toBe(true)
    const used = secretsOf(await get(made)).map(({ lastUsedAt }) => lastUsedAt !== null)
    expect(used).toEqual([false, true])
    const [current, previous] = secretsOf(next)
    expect(await world.audit('grant.refresh')).toMatchObject([
      {
        outcome: 'succeeded',
        details: { secretId: previous?.id, refusedSecretIds: [current?.id] }
      }
    ])
  })

  test('a test warns whose move it is while the newest is refused and an older one works, as either identity', async () => {
    const app = await world.connect()
    const made = await create()
    await signIn(world, as.lead, made.id)
    const note = async (who: TestAs) => {
      const { ok, steps } = await world.fabrics.testConnection(
        as.lead,
        made.id,
        who,
        unheard,
        idle()
      )
      expect(ok, `as ${who}`).toBe(true)
      return steps.find(({ step }) => step === 'token')?.note
    }
    expect([await note('user'), await note('service_principal')]).toEqual([undefined, undefined])
    await add(made)
    await world.appConnections.addSecret(as.admin, app.id, secretNo(2))
    // So that both have to ask for a token.
    world.clock.advance(2 * hourMs)
    const warning = (code: string, owner: string) => ({
      code,
      owner,
      detail: 'The newest client secret was refused; the one before it still works',
      action: expect.any(String)
    })
    const ofApp = warning('app_connection_refused', 'tenant_admin')
    const ofPrincipal = warning('service_principal_refused', 'team_admin')
    expect([await note('user'), await note('service_principal')]).toEqual([ofApp, ofPrincipal])
    const { user, servicePrincipal } = await world.fabrics.testResults(as.lead, made.id)
    const kept = [user, servicePrincipal].map(
      (one) => one?.result.steps.find(({ step }) => step === 'token')?.note
    )
    expect(kept).toEqual([ofApp, ofPrincipal])
    await add(made, given(principal.clientSecret))
    world.clock.advance(2 * hourMs)
    expect(await note('service_principal')).toBeUndefined()
  })

  test('a good one heals at once what a bad one spoilt', async () => {
    const servicePrincipal = { clientId: principal.clientId, ...secretNo(1) }
    const made = await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
    const token = (result: Awaited<ReturnType<typeof testAs>>) =>
      result.steps.find(({ step }) => step === 'token')?.code
    expect(token(await testAs(made))).toBe('service_principal_refused')
    await add(made, given(principal.clientSecret))
    expect((await testAs(made)).ok).toBe(true)
    expect(secretsOf(await get(made)).map(({ isSafeToDelete }) => isSafeToDelete)).toEqual([
      false,
      true
    ])
  })

  test('another service principal, or the same given anew, leaves none of them behind', async () => {
    const made = await add(await create())
    const servicePrincipal = { clientId: principal.clientId, ...secretNo(3) }
    const patch = { version: made.version, servicePrincipal }
    expect(hints(await world.fabrics.update(as.lead, made.id, patch))).toEqual(['current …no-3'])
    expect(await world.sql('SELECT FROM client_secrets')).toHaveLength(1)
  })

  test('are refused as a mask, expired, or with a longer life than the provider gives', async () => {
    const made = await create()
    for (const [secret, pointer] of [
      [given('…77aa'), '/clientSecret'],
      [given('secret-of-yesterday', inDays(-1)), '/expiresAt'],
      [given('secret-for-ever', inDays(800)), '/expiresAt']
    ] as const) {
      const fault = await faultOf(add(made, secret))
      expect([fault.code, fault.errors?.[0]?.pointer]).toEqual(['invalid_request', pointer])
    }
    expect(await get(made)).toEqual(made)
    const bad = await faultOf(create(inDays(-1)))
    expect(bad.errors?.[0]?.pointer).toBe('/servicePrincipal/expiresAt')
  })

  test('belong to a service principal: without one there is nothing to add to', async () => {
    const made = await world.fabrics.create(as.lead, world.newFabric())
    expect((await faultOf(add(made))).code).toBe('service_principal_missing')
  })

  test('are for the admins of the team', async () => {
    const made = await create()
    for (const [scope, code] of [
      [as.member, 'forbidden'],
      [as.outsider, 'not_found'],
      [as.stranger, 'not_found']
    ] as const) {
      expect((await faultOf(add(made, secretNo(2), scope))).code).toBe(code)
      expect((await faultOf(remove(made, secretsOf(made)[0]?.id ?? '', scope))).code).toBe(code)
    }
    expect(hints(await add(made, secretNo(2), as.admin))).toHaveLength(2)
  })
})

describe('secret_expiring', () => {
  const warning = async (view: FabricView) =>
    (await get(view)).warnings.find(({ code }) => code === 'secret_expiring')

  test('warns 30 days ahead and from then on, until there is a newer secret', async () => {
    const made = await create(inDays(60))
    expect(await warning(made)).toBeUndefined()
    world.clock.advance(31 * dayMs)
    expect(await warning(made)).toMatchObject({
      owner: 'team_admin',
      message: expect.stringContaining('expires on')
    })
    world.clock.advance(30 * dayMs)
    expect((await warning(made))?.message).toContain('expired on')
    await add(made, given('secret-of-the-next-year', inDays(365)))
    expect(await warning(made)).toBeUndefined()
  })

  test('of a secret whose end nobody told, nothing is said', async () => {
    const made = await create()
    world.clock.advance(900 * dayMs)
    expect(await warning(made)).toBeUndefined()
  })
})

describe('I3 I4 the trail', () => {
  afterEach(() => world.sql(`GRANT INSERT ON audit_events TO ${world.appRole}`))

  test('C9 tells each change and no secret, which is nowhere else in clear either', async () => {
    const made = await create()
    const next = await add(made, given('canary-principal-secret-no-2', inDays(365)))
    const fault = await faultOf(add(made, given('canary-principal-secret-no-3', inDays(-1))))
    await remove(made, secretsOf(made)[0]?.id ?? '')
    const [added] = await world.audit('service_principal.add_secret')
    expect(added?.details).toMatchObject({ secretId: secretsOf(next)[0]?.id })
    expect(await world.audit('service_principal.delete_secret')).toMatchObject([
      { actor_id: 'usr_lead', details: { secretId: secretsOf(made)[0]?.id } }
    ])
    const all = [made, next, fault].map((one) => inspect(one, { depth: 20 })).join()
    expect(`${all}${await world.dump()}`).not.toMatch(/canary/)
  })

  test('without the record there is no change', async () => {
    const made = await add(await create())
    const before = await world.dump()
    await world.sql(`REVOKE INSERT ON audit_events FROM ${world.appRole}`)
    for (const work of [
      () => add(made, secretNo(3)),
      () => remove(made, secretsOf(made)[1]?.id ?? '')
    ]) {
      expect((await faultOf(work())).code).toBe('internal')
      expect(await world.dump()).toBe(before)
    }
  })
})
