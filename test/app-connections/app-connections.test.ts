import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type {
  AppConnectionView,
  NewAppConnection
} from '../../src/app-connections/app-connections.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { as, createWorld, faultOf, publicUrl, type World } from '../fabrics/world.ts'

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

describe('an app connection', () => {
  test('is a draft until client id and secret are set, then ready, disabled when switched off', async () => {
    const draft = await create()
    expect(draft).toMatchObject({ status: 'draft', clientSecrets: [], version: 1, isDefault: true })
    const half = await update(draft, { clientId: 'c-1' })
    expect(half).toMatchObject({ status: 'draft', version: 2 })
    const ready = await update(half, { clientSecret: secretNo(1) })
    expect(ready).toMatchObject({ status: 'ready', version: 3 })
    expect((await update(ready, { isDisabled: true })).status).toBe('disabled')
  })

  test('has the scopes and the authentication that the provider needs, unless told otherwise', async () => {
    expect(await create()).toMatchObject({
      scopes: ['all-apis', 'offline_access'],
      clientAuthMethod: 'client_secret_post'
    })
  })

  test('B3 has a redirect URI of its own', async () => {
    const [one, two] = [await create(), await create({ name: 'Two' })]
    expect(one.redirectUri).toBe(`${publicUrl}/oauth/callback/${one.id}`)
    expect(two.redirectUri).not.toBe(one.redirectUri)
  })

  test('a stale version changes nothing', async () => {
    const first = await create()
    await update(first, { name: 'Newer' })
    const fault = await faultOf(update(first, { name: 'Older', clientSecret: secretNo(1) }))
    expect(fault).toMatchObject({ code: 'version_conflict', status: 412 })
    const now = await world.appConnections.get(as.admin, first.id)
    expect(now).toMatchObject({ name: 'Newer', version: 2, clientSecrets: [] })
  })

  test('of ten updates at once from one version, one is done', async () => {
    const first = await create()
    const ends = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => update(first, { name: `Name ${index}` }))
    )
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await world.audit('app_connection.update')).toHaveLength(1)
  })

  test('null removes, absent keeps', async () => {
    const full = await create({
      clientId: 'c-1',
      accountId: 'acc',
      accountHost: 'https://accounts'
    })
    const less = await update(full, { accountId: null })
    expect(less).toMatchObject({
      clientId: 'c-1',
      accountId: null,
      accountHost: 'https://accounts'
    })
  })

  test('there is one default per tenant, also when two are made at once', async () => {
    const ends = await Promise.allSettled([create({ name: 'A' }), create({ name: 'B' })])
    expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true)
    const next = await create({ name: 'C', isDefault: true })
    const { items } = await world.appConnections.list(as.admin, { limit: 50, cursor: null })
    expect(items.filter(({ isDefault }) => isDefault).map(({ id }) => id)).toEqual([next.id])
  })

  test('goes when nothing uses it, and stays while a fabric names it', async () => {
    const { id } = await world.connect()
    const fabric = await world.fabrics.create(as.admin, world.newFabric({ appConnectionId: id }))
    expect(
      (await faultOf(world.appConnections.remove(as.admin, id, { endSignIns: false }))).code
    ).toBe('conflict')
    await world.fabrics.remove(as.admin, fabric.id)
    await world.appConnections.remove(as.admin, id, { endSignIns: false })
    expect((await faultOf(world.appConnections.get(as.admin, id))).code).toBe('not_found')
    expect(await world.sql('SELECT FROM client_secrets')).toEqual([])
  })

  test('names are unique in a tenant and tell nothing between tenants', async () => {
    await create()
    const fault = await faultOf(create())
    expect(fault).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/name' }] })
    await expect(create({}, as.stranger)).resolves.toMatchObject({ name: 'Main' })
  })

  test('D1 another tenant’s reads like none: get, change, delete, secrets', async () => {
    const { id } = await create()
    const { get, update: change, remove, addSecret, removeSecret } = world.appConnections
    const secret = asId('clientSecret', 'sec_x')
    const nowhere = asId('appConnection', 'apc_nowhere')
    for (const ask of [
      (one: typeof id) => get(as.stranger, one),
      (one: typeof id) => change(as.stranger, one, { version: 1, name: 'x' }),
      (one: typeof id) => change(as.stranger, one, { version: 1, clientSecret: secretNo(1) }),
      (one: typeof id) => remove(as.stranger, one, { endSignIns: true }),
      (one: typeof id) => addSecret(as.stranger, one, { clientSecret: secretNo(1) }),
      (one: typeof id) => removeSecret(as.stranger, one, secret)
    ]) {
      const [theirs, nobodys] = [await faultOf(ask(id)), await faultOf(ask(nowhere))]
      expect(theirs.code).toBe('not_found')
      expect({ ...theirs }).toEqual({ ...nobodys })
    }
    expect(
      (await world.appConnections.list(as.stranger, { limit: 9, cursor: null })).items
    ).toEqual([])
  })
})

describe('what is refused', () => {
  test.each<[string, Partial<NewAppConnection>, string]>([
    ['F19 scopes without offline_access', { scopes: ['all-apis'] }, '/scopes'],
    ['no scopes', { scopes: [] }, '/scopes'],
    ['C10 stars for a secret', { clientSecret: new Secret('********') }, '/clientSecret'],
    ['C10 dots for a secret', { clientSecret: new Secret('••••••') }, '/clientSecret'],
    ['C10 a hint for a secret', { clientSecret: new Secret('…c9f2') }, '/clientSecret'],
    ['B1 a host outside the zones', { allowedHosts: ['evil.example'] }, '/allowedHosts/0'],
    [
      'B1 a host that ends like a zone',
      { allowedHosts: ['*.cloud.databricks.com', 'evilcloud.databricks.com.evil.example'] },
      '/allowedHosts/1'
    ],
    ['B1 users’ own apps', { allowedHosts: ['x.databricksapps.com'] }, '/allowedHosts/0'],
    ['B1 every host', { allowedHosts: ['*'] }, '/allowedHosts/0'],
    ['B1 a top-level domain', { allowedHosts: ['*.com'] }, '/allowedHosts/0'],
    ['B1 a port', { allowedHosts: ['x.cloud.databricks.com:8443'] }, '/allowedHosts/0'],
    ['B1 an address', { allowedHosts: ['10.0.0.1'] }, '/allowedHosts/0'],
    ['B1 a URL', { allowedHosts: ['https://x.cloud.databricks.com'] }, '/allowedHosts/0']
  ])('%s', async (_, more, pointer) => {
    const created = await faultOf(create(more))
    expect(created).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] })
    expect(await world.sql('SELECT FROM app_connections')).toEqual([])
    const standing = await create()
    const { name: _name, provider: _provider, ...patch } = { ...bare, ...more }
    expect(await faultOf(update(standing, patch))).toMatchObject({ errors: [{ pointer }] })
    expect(await world.appConnections.get(as.admin, standing.id)).toEqual(standing)
  })

  test('hosts inside the zones and the operator’s own are accepted, in lower case', async () => {
    const hosts = ['X.cloud.databricks.com', '*.azuredatabricks.net', 'localhost']
    expect((await create({ allowedHosts: hosts })).allowedHosts).toEqual(
      hosts.map((host) => host.toLowerCase())
    )
  })
})
