import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { begin, signIn } from './signing-in.ts'
import { as, createWorld, faultOf, type World } from './world.ts'

let world: World
let fabric: FabricView
beforeAll(async () => {
  world = await createWorld()
  await world.sql(`UPDATE users SET email = 'Dev@acme.test' WHERE id = 'usr_member'`)
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  await world.connect()
  fabric = await world.fabrics.create(as.lead, world.newFabric())
})

const other = { login: 'other@acme.test' }
const revocations = async () =>
  (await world.log()).filter(({ path }) => path === '/oidc/v1/revoke').length
const connection = () => world.fabrics.connection(as.member, fabric.id)
const finish = (callback: Parameters<World['fabrics']['finishSignIn']>[1], scope = as.member) =>
  world.fabrics.finishSignIn(scope, callback)

describe('F30 B13 whose account it is', () => {
  test('the person’s own address, in any case, is nothing to tell of', async () => {
    const { callback } = await begin(world, as.member, fabric.id)
    expect(await finish(callback)).toMatchObject({ mismatch: null, expectedUserName: null })
  })

  test('another address than the person’s is kept and told, once', async () => {
    const { callback, attemptId } = await begin(world, as.member, fabric.id, other)
    const told = {
      status: 'succeeded',
      workspaceUser: { userName: 'other@acme.test' },
      mismatch: 'another_email',
      expectedUserName: 'Dev@acme.test'
    }
    expect(await finish(callback)).toMatchObject(told)
    expect(await world.fabrics.signInAttempt(as.member, attemptId)).toMatchObject(told)
    expect((await connection()).workspaceUser?.userName).toBe('other@acme.test')
    const again = await begin(world, as.member, fabric.id, other)
    expect(await finish(again.callback)).toMatchObject({ mismatch: null })
  })

  test('another one than before is refused and told, and what was held stays as it was', async () => {
    await signIn(world, as.member, fabric.id)
    const { callback, attemptId } = await begin(world, as.member, fabric.id, other)
    const fault = await faultOf(finish(callback))
    expect(fault).toMatchObject({ code: 'conflict', owner: 'caller', attemptId })
    expect(fault.detail).toContain(
      "You signed in as other@acme.test, but this connection is dev@acme.test's"
    )
    expect(await world.fabrics.signInAttempt(as.member, attemptId)).toMatchObject({
      status: 'failed',
      code: 'conflict',
      owner: 'caller',
      workspaceUser: { userName: 'other@acme.test' },
      mismatch: 'another_user',
      expectedUserName: 'dev@acme.test'
    })
    expect(await connection()).toMatchObject({
      state: 'active',
      workspaceUser: { userName: 'dev@acme.test' }
    })
  })

  test('what somebody else’s sign-in gave is forgotten at the workspace too', async () => {
    await signIn(world, as.member, fabric.id)
    const { callback } = await begin(world, as.member, fabric.id, other)
    const before = await revocations()
    await faultOf(finish(callback))
    expect((await revocations()) - before).toBe(1)
  })

  test('another one after a dead sign-in is refused as well', async () => {
    await signIn(world, as.member, fabric.id)
    await world.sql(`UPDATE grants SET state = 'needs_sign_in'`)
    const { callback } = await begin(world, as.member, fabric.id, other)
    expect((await faultOf(finish(callback))).code).toBe('conflict')
  })

  test('the change is made where it was agreed to, and recorded; the old tokens are gone', async () => {
    await signIn(world, as.member, fabric.id)
    const [before] = await world.sql('SELECT refresh_token_sealed FROM grant_tokens')
    const { callback } = await begin(world, as.member, fabric.id, { ...other, switchUser: true })
    expect(await finish(callback)).toMatchObject({
      status: 'succeeded',
      mismatch: 'another_email',
      workspaceUser: { userName: 'other@acme.test' }
    })
    expect((await connection()).workspaceUser?.userName).toBe('other@acme.test')
    expect(await world.sql('SELECT refresh_token_sealed FROM grant_tokens')).not.toEqual([before])
    expect((await world.audit('sign_in_attempt.finish')).at(-1)).toMatchObject({
      outcome: 'succeeded',
      details: { workspaceUser: 'other@acme.test', workspaceUserBefore: 'dev@acme.test' }
    })
  })

  test('who would be somebody else is asked for by the workspace, and nobody otherwise', async () => {
    const promptOf = async (more: object) => {
      const { authorizationUrl } = await begin(world, as.member, fabric.id, more)
      return new URL(authorizationUrl).searchParams.get('prompt')
    }
    expect([await promptOf({}), await promptOf({ asksWho: true })]).toEqual([null, 'login'])
  })
})
