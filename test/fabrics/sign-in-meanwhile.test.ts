import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import { AppError } from '../../src/base/errors.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { begin } from './signing-in.ts'
import { as, createWorld, faultOf, type World } from './world.ts'

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

const redemptions = async () =>
  (await world.log()).filter(({ grantType }) => grantType === 'authorization_code').length

describe('F27 what changes between the link and the callback', () => {
  test.each([
    [
      'B1 the app connection no longer serves the host',
      `UPDATE app_connections SET allowed_hosts = '{x.cloud.databricks.com}'`,
      'host_not_allowed'
    ],
    [
      'the app connection is switched off',
      'UPDATE app_connections SET is_disabled = true',
      'app_connection_missing'
    ],
    ['its secrets are gone', 'DELETE FROM client_secrets', 'app_connection_missing'],
    [
      'the app connection is gone, and the attempt with it',
      'DELETE FROM app_connections',
      'attempt_expired'
    ],
    ['the fabric is gone, and the attempt with it', 'DELETE FROM fabrics', 'attempt_expired']
  ])('%s: no secret is sent, nothing is stored', async (_, sql, code) => {
    const { callback } = await begin(world, as.member, fabric.id)
    const before = await redemptions()
    await world.sql(sql)
    expect((await faultOf(world.fabrics.finishSignIn(as.member, callback))).code).toBe(code)
    expect((await redemptions()) - before).toBe(0)
    expect(await world.sql('SELECT FROM grants')).toEqual([])
  })

  test('the fabric moves to another workspace: the sign-in is kept for the one that was signed in to', async () => {
    const { callback } = await begin(world, as.member, fabric.id)
    const { version } = fabric
    await world.fabrics.update(as.lead, fabric.id, { version, workspaceUrl: world.elsewhere.url })
    await world.fabrics.finishSignIn(as.member, callback)
    const [grant] = await world.sql<{ workspace_origin: string }>(
      'SELECT workspace_origin FROM grants'
    )
    expect(grant?.workspace_origin).toBe(world.workspace.url)
    expect((await world.fabrics.connection(as.member, fabric.id)).state).toBe('needs_sign_in')
  })
})

describe('F27 what goes while the code is being redeemed', () => {
  test.each([
    [
      'the app connection',
      () => world.sql('DELETE FROM app_connections WHERE id = $1', [connection.id])
    ],
    ['the person', () => world.sql(`DELETE FROM memberships WHERE user_id = 'usr_member'`)]
  ])(
    '%s: it ends, and nothing is stored',
    async (_, remove) => {
      const { callback } = await begin(world, as.member, fabric.id)
      await world.faults({ apiDelayMs: 400 })
      const before = await redemptions()
      const end = world.fabrics.finishSignIn(as.member, callback).catch((error: unknown) => error)
      await expect.poll(async () => (await redemptions()) - before).toBe(1)
      await remove()
      expect(await end).toBeInstanceOf(AppError)
      expect(await world.sql('SELECT FROM grants')).toEqual([])
    },
    8_000
  )
})
