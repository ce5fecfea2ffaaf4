import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type {
  AppConnectionView,
  NewAppConnection
} from '../../src/app-connections/app-connections.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { as, client, createWorld, faultOf, type World } from '../fabrics/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

const bare: NewAppConnection = { name: 'Main', provider: 'databricks' }
const create = (more: Partial<NewAppConnection> = {}, scope = as.admin) =>
  world.appConnections.create(scope, { ...bare, ...more })
const update = (
  { id, version }: AppConnectionView,
  patch: Omit<Parameters<World['appConnections']['update']>[2], 'version'>
) => world.appConnections.update(as.admin, id, { version, ...patch })
const secretNo = (index: number) => new Secret(`canary-client-secret-no-${index}`)

describe('secrets', () => {
  test('C9 go in and never come out: not in an answer, an error, the trail or a row', async () => {
    const { clientSecret } = client
    const made = await create({ clientId: 'c', clientSecret: new Secret(clientSecret) })
    const more = await world.appConnections.addSecret(as.admin, made.id, {
      clientSecret: secretNo(2)
    })
    const listed = await world.appConnections.list(as.admin, { limit: 9, cursor: null })
    const stale = await faultOf(update(made, { clientSecret: secretNo(3) }))
    const clash = await faultOf(create({ clientSecret: secretNo(4) }))
    const all = [made, more, listed, stale, clash].map((one) => inspect(one, { depth: 20 })).join()
    expect(`${all}${await world.dump()}`).not.toMatch(/canary/)
    expect(made.clientSecrets).toMatchObject([
      { state: 'current', hint: '…c9f2', lastUsedAt: null }
    ])
  })

  test('a new one is current, the older ones stay as previous until they are deleted', async () => {
    let view = await create({ clientId: 'c', clientSecret: secretNo(1) })
    view = await update(view, { clientSecret: secretNo(2) })
    view = await world.appConnections.addSecret(as.admin, view.id, { clientSecret: secretNo(3) })
    expect(view.clientSecrets.map(({ state }) => state)).toEqual([
      'current',
      'previous',
      'previous'
    ])
    expect(view.clientSecrets.map(({ hint }) => hint)).toEqual(['…no-3', '…no-2', '…no-1'])
    expect(view.clientSecrets.some(({ isSafeToDelete }) => isSafeToDelete)).toBe(false)
    const oldest = view.clientSecrets[2]?.id ?? asId('clientSecret', '')
    await world.appConnections.removeSecret(as.admin, view.id, oldest)
    const fault = await faultOf(world.appConnections.removeSecret(as.admin, view.id, oldest))
    expect(fault.code).toBe('not_found')
  })

  test('the end of the newest is a warning from 30 days before it, until there is a newer one', async () => {
    const dayMs = 24 * 60 * 60_000
    const inDays = (days: number) => new Date(world.clock.now().getTime() + days * dayMs)
    const { id } = await create({ clientId: 'c' })
    const add = (no: number, expiresAt?: Date) =>
      world.appConnections.addSecret(as.admin, id, { clientSecret: secretNo(no), expiresAt })
    const warnings = async () => (await world.appConnections.get(as.admin, id)).warnings
    await add(1, inDays(31))
    expect(await warnings()).toEqual([])
    const expiresAt = inDays(29)
    await add(2, expiresAt)
    const told = (how: string) => [
      {
        code: 'secret_expiring',
        owner: 'tenant_admin',
        message: expect.stringContaining(`${how} on ${expiresAt.toISOString().slice(0, 10)}`)
      }
    ]
    expect(await warnings()).toEqual(told('expires'))
    world.clock.advance(30 * dayMs)
    const { items } = await world.appConnections.list(as.admin, { limit: 9, cursor: null })
    expect(items[0]?.warnings).toEqual(told('expired'))
    await add(3)
    expect(await warnings()).toEqual([])
  })

  test('several added at once are there, each of them, and one is current', async () => {
    const { id } = await create({ clientId: 'c', clientSecret: secretNo(1) })
    await Promise.all(
      [2, 3, 4].map((n) =>
        world.appConnections.addSecret(as.admin, id, { clientSecret: secretNo(n) })
      )
    )
    const { clientSecrets } = await world.appConnections.get(as.admin, id)
    expect(clientSecrets).toHaveLength(4)
    expect(clientSecrets.filter(({ state }) => state === 'current')).toHaveLength(1)
  })
})

describe('what it makes possible', () => {
  test('OAuth is not available before there is a ready default, and says whom to ask', async () => {
    const ask = async () => (await world.appConnections.capabilities(as.member))[0]
    const missing = { available: false, reason: expect.stringContaining('not set up yet') }
    expect(await ask()).toMatchObject(missing)
    const draft = await create()
    expect(await ask()).toMatchObject(missing)
    const ready = await update(draft, { clientId: 'c', clientSecret: secretNo(1) })
    expect(await ask()).toMatchObject({
      provider: 'databricks',
      authMethod: 'oauth',
      available: true,
      reason: null,
      owner: null,
      contacts: []
    })
    await update(ready, { isDisabled: true })
    expect(await ask()).toMatchObject(missing)
    expect((await world.appConnections.capabilities(as.stranger))[0]).toMatchObject(missing)
  })
})

describe('I3 I4 the trail', () => {
  afterEach(() => world.sql(`GRANT INSERT ON audit_events TO ${world.appRole}`))

  test('each change is one record, by whom and of what', async () => {
    const made = await create({ clientId: 'c', clientSecret: secretNo(1) })
    const next = await update(made, { name: 'B' })
    await world.appConnections.addSecret(as.admin, made.id, { clientSecret: secretNo(2) })
    const old = next.clientSecrets[0]?.id ?? asId('clientSecret', '')
    await world.appConnections.removeSecret(as.admin, made.id, old)
    await world.appConnections.remove(as.admin, made.id, { endSignIns: false })
    const rows = await world.sql(
      'SELECT action, actor_id, object_id FROM audit_events ORDER BY seq'
    )
    const by = { actor_id: 'usr_admin', object_id: made.id }
    expect(rows).toEqual(
      ['create', 'update', 'add_secret', 'delete_secret', 'delete'].map((verb) => ({
        action: `app_connection.${verb}`,
        ...by
      }))
    )
  })

  test('without the record there is no change, of any kind', async () => {
    const made = await create({ clientId: 'c', clientSecret: secretNo(1) })
    const before = await world.dump()
    await world.sql(`REVOKE INSERT ON audit_events FROM ${world.appRole}`)
    const secret = made.clientSecrets[0]?.id ?? asId('clientSecret', '')
    for (const work of [
      () => create({ name: 'Other', clientSecret: secretNo(2) }),
      () => update(made, { name: 'Other', clientSecret: secretNo(2) }),
      () => world.appConnections.addSecret(as.admin, made.id, { clientSecret: secretNo(2) }),
      () => world.appConnections.removeSecret(as.admin, made.id, secret),
      () => world.appConnections.remove(as.admin, made.id, { endSignIns: false })
    ]) {
      expect((await faultOf(work())).code).toBe('internal')
      expect(await world.dump()).toBe(before)
    }
  })
})
