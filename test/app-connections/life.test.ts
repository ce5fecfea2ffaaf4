import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { signIn } from '../fabrics/signing-in.ts'
import { as, client, createWorld, faultOf, red, type World } from '../fabrics/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

const draft = (name = 'Weft') =>
  world.appConnections.create(as.admin, { name, provider: 'databricks' })

describe('what to do at the provider', () => {
  test('a name alone gives the exact redirect URI, and the scopes, before anything is registered', async () => {
    const made = await draft()
    const setup = await world.appConnections.setup(as.admin, made.id)
    expect(setup).toMatchObject({
      redirectUri: made.redirectUri,
      scopes: ['all-apis', 'offline_access'],
      propagationMinutes: 30
    })
    expect(setup.clouds.map(({ cloud, consoleUrl }) => [cloud, consoleUrl])).toEqual([
      ['aws', 'https://accounts.cloud.databricks.com'],
      ['azure', 'https://accounts.azuredatabricks.net'],
      ['gcp', 'https://accounts.gcp.databricks.com'],
      ['aws_gov', 'https://accounts.cloud.databricks.us'],
      ['azure_gov', 'https://accounts.databricks.azure.us'],
      ['azure_china', 'https://accounts.databricks.azure.cn']
    ])
    for (const { consolePath, steps } of setup.clouds) {
      expect(consolePath.slice(0, 2)).toEqual(['Settings', 'App connections'])
      expect(steps.flatMap(({ values }) => values)).toEqual(
        expect.arrayContaining([made.redirectUri, 'all-apis', 'offline_access'])
      )
    }
  })

  test.each([`Bob's "app"`, '$(touch /tmp/x) `id` \\ !', "'; echo pwned #"])(
    'the command is one argument for a shell, whatever the name: %s',
    async (name) => {
      const made = await draft(name)
      const { clouds } = await world.appConnections.setup(as.admin, made.id)
      for (const { command } of clouds) {
        const stub = `databricks() { [ "$1" = auth ] || printf %s "$5"; }; ${command}`
        expect(JSON.parse(execFileSync('sh', ['-c', stub], { encoding: 'utf8' }))).toMatchObject({
          name,
          redirect_urls: [made.redirectUri],
          confidential: true,
          scopes: ['all-apis', 'offline_access']
        })
      }
    }
  )

  test('D1 of another tenant’s reads like of none', async () => {
    const { id } = await draft()
    for (const ask of [world.appConnections.setup, world.appConnections.usage]) {
      const ids = [id, asId('appConnection', 'apc_nowhere')]
      const [theirs, nobodys] = await Promise.all(ids.map((one) => faultOf(ask(as.stranger, one))))
      expect(theirs?.code).toBe('not_found')
      expect({ ...theirs }).toEqual({ ...nobodys })
    }
  })
})

describe('one default per provider', () => {
  test('of ten that are made at once each is made, and exactly one is the default', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, (_, n) => draft(`No ${n}`)))
    const rows = await world.sql('SELECT id FROM app_connections WHERE is_default')
    expect([made.length, rows.length]).toEqual([10, 1])
  })
})

describe('who would notice', () => {
  async function used() {
    const made = await world.connect()
    const fabric = await world.fabrics.create(as.lead, world.newFabric())
    await signIn(world, as.lead, fabric.id)
    return { made, fabric }
  }

  test('nobody, of a draft that is not the default', async () => {
    await draft('First')
    const { id } = await draft('Second')
    expect(await world.appConnections.usage(as.admin, id)).toEqual({
      fabrics: [],
      signIns: 0,
      people: 0,
      whatFollows: { disabled: [], deleted: [] }
    })
  })

  test('the fabrics, those that fall back to it included, and the people who signed in', async () => {
    const { made, fabric } = await used()
    const named = world.newFabric({ name: 'Named', appConnectionId: made.id })
    const other = await world.fabrics.create(as.lead, named)
    const usage = await world.appConnections.usage(as.admin, made.id)
    expect(usage).toMatchObject({
      fabrics: [
        { id: other.id, name: 'Named', teamId: red, isByDefault: false },
        { id: fabric.id, isByDefault: true }
      ],
      signIns: 1,
      people: 1
    })
    expect(usage.whatFollows.disabled.join()).toMatch(/Named, Sales.*1 sign-ins of 1 people rest/)
    expect(usage.whatFollows.deleted.join()).toMatch(/chosen for Named.*Sales are left.*default/)
  })

  test('a delete tells what would end and ends nothing', async () => {
    const { made } = await used()
    const remove = (endSignIns: boolean) =>
      faultOf(world.appConnections.remove(as.admin, made.id, { endSignIns }))
    const fault = await remove(false)
    expect(fault).toMatchObject({ code: 'conflict', status: 409 })
    expect(fault.detail).toMatch(/1 sign-ins of 1 people.*Sales.*endSignIns=true/)
    await world.fabrics.create(as.lead, world.newFabric({ name: 'N', appConnectionId: made.id }))
    expect((await remove(true)).detail).toMatch(/another app connection for N first/)
    expect(await world.sql('SELECT FROM grants')).toHaveLength(1)
  })

  test('G8 agreed to, it ends the sign-ins, and the provider is told', async () => {
    const { made, fabric } = await used()
    await world.appConnections.remove(as.admin, made.id, { endSignIns: true })
    expect(await world.sql('SELECT FROM grants')).toEqual([])
    const revocations = (await world.log()).filter(({ path }) => path === '/oidc/v1/revoke')
    expect(revocations).toHaveLength(1)
    expect(await world.audit('app_connection.delete')).toMatchObject([{ details: { signIns: 1 } }])
    expect(await world.audit('grant.revoke')).toHaveLength(1)
    const start = world.fabrics.startSignIn(as.lead, fabric.id, { sessionId: 's', returnTo: null })
    expect((await faultOf(start)).code).toBe('app_connection_missing')
  })

  test('disabled, nobody signs in; enabled again, all is as it was', async () => {
    const { made, fabric } = await used()
    const set = async (isDisabled: boolean) => {
      const { version } = await world.appConnections.get(as.admin, made.id)
      await world.appConnections.update(as.admin, made.id, { version, isDisabled })
    }
    const start = () =>
      world.fabrics.startSignIn(as.lead, fabric.id, { sessionId: 's', returnTo: null })
    const test = () => {
      const { signal } = new AbortController()
      return world.fabrics.testConnection(as.lead, fabric.id, 'user', { onStep: () => {} }, signal)
    }
    await set(true)
    expect((await faultOf(start())).code).toBe('app_connection_missing')
    expect((await test()).steps.find(({ status }) => status === 'failed')?.code).toBe(
      'app_connection_missing'
    )
    await set(false)
    expect((await test()).ok).toBe(true)
    await start()
  })
})

describe('what people are told they can do', () => {
  const ask = async (scope = as.member) => (await world.appConnections.capabilities(scope))[0]
  beforeEach(() =>
    world.sql(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = 'usr_admin'`)
  )

  test('before: not set up yet, for their teams alone, and whom to ask by name', async () => {
    expect(await ask()).toMatchObject({
      available: false,
      owner: 'tenant_admin',
      contacts: [{ email: 'usr_admin', name: 'usr_admin' }],
      teams: [{ id: red, available: false, unserved: [] }]
    })
    expect((await ask(as.outsider))?.teams.map(({ id }) => id)).toEqual(['team_blue'])
  })

  test('after: available, and nobody has to be asked', async () => {
    await world.connect()
    await world.fabrics.create(as.lead, world.newFabric())
    expect(await ask()).toMatchObject({
      available: true,
      contacts: [],
      teams: [{ id: red, available: true, reason: null, unserved: [] }]
    })
  })

  test('a team whose workspace no app connection serves is told so, and others are not', async () => {
    await world.connect({ allowedHosts: ['x.cloud.databricks.com'] })
    const fabric = await world.fabrics.create(as.lead, world.newFabric())
    expect(await ask()).toMatchObject({
      available: true,
      contacts: [{ email: 'usr_admin' }],
      teams: [
        {
          available: false,
          reason: expect.stringContaining('Sales'),
          unserved: [{ id: fabric.id, name: 'Sales', code: 'host_not_allowed' }]
        }
      ]
    })
    expect(await ask(as.outsider)).toMatchObject({ contacts: [], teams: [{ available: true }] })
  })

  test('a fabric of their own choice that lacks its secret is told, though the default is ready', async () => {
    await world.connect()
    const other = await world.appConnections.create(as.admin, {
      name: 'Other',
      provider: 'databricks',
      clientId: client.clientId
    })
    const chosen = world.newFabric({ appConnectionId: other.id })
    await world.fabrics.create(as.lead, chosen)
    const unserved = [{ name: 'Sales', code: 'app_connection_missing' }]
    expect(await ask()).toMatchObject({ available: true, teams: [{ available: false, unserved }] })
    const clientSecret = new Secret(client.clientSecret)
    await world.appConnections.addSecret(as.admin, other.id, { clientSecret })
    expect(await ask()).toMatchObject({ teams: [{ available: true }] })
  })
})
