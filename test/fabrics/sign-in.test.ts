import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { begin, signIn } from './signing-in.ts'
import { as, client, createWorld, type World } from './world.ts'

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
const grants = () =>
  world.sql<{ user_id: string; state: string }>('SELECT user_id, state FROM grants')

describe('a sign-in', () => {
  test('goes through the workspace’s own pages and ends in a connection of the person’s own', async () => {
    const started = await begin(world, as.member, fabric.id, { returnTo: '/console/fabrics' })
    expect((await world.fabrics.signInAttempt(as.member, started.attemptId)).status).toBe('pending')
    expect(await finish(started.callback)).toMatchObject({
      id: started.attemptId,
      status: 'succeeded',
      returnTo: '/console/fabrics'
    })
    const attempt = await world.fabrics.signInAttempt(as.member, started.attemptId)
    expect(attempt).toMatchObject({
      status: 'succeeded',
      code: null,
      owner: null,
      fabricId: fabric.id,
      workspaceUser: { userName: 'dev@acme.test' }
    })
    expect(attempt.finishedAt).toBeInstanceOf(Date)
    expect(await world.fabrics.connection(as.member, fabric.id)).toMatchObject({
      state: 'active',
      cause: null,
      workspaceUser: { userName: 'dev@acme.test' },
      accessTokenExpiresAt: expect.any(Date)
    })
    expect((await world.fabrics.get(as.member, fabric.id)).health.state).toBe('active')
    expect(await world.fabrics.connection(as.lead, fabric.id)).toMatchObject({
      state: 'needs_sign_in',
      cause: 'never_signed_in'
    })
  })

  test('asks with the client, the scopes and the redirect URI of its app connection', async () => {
    const { authorizationUrl } = await begin(world, as.member, fabric.id)
    const url = new URL(authorizationUrl)
    expect(url.origin).toBe(world.workspace.url)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: client.clientId,
      scope: 'all-apis offline_access',
      redirect_uri: connection.redirectUri,
      code_challenge_method: 'S256'
    })
  })

  test('serves every fabric of the same workspace, and leaves one record', async () => {
    await signIn(world, as.member, fabric.id)
    const second = await world.fabrics.create(as.lead, world.newFabric({ name: 'Second' }))
    expect((await world.fabrics.connection(as.member, second.id)).state).toBe('active')
    expect(await world.audit('sign_in_attempt.finish')).toMatchObject([
      { outcome: 'succeeded', actor_id: 'usr_member', details: { workspaceUser: 'dev@acme.test' } }
    ])
    const third = world.newFabric({ name: 'Third', workspaceUrl: world.elsewhere.url })
    const { id } = await world.fabrics.create(as.lead, third)
    expect((await world.fabrics.connection(as.member, id)).state).toBe('needs_sign_in')
  })

  test('C9 stores and tells no token, code or verifier in clear', async () => {
    const { callback, authorizationUrl } = await begin(world, as.member, fabric.id)
    const query = new URLSearchParams(callback.query)
    const state = new URL(authorizationUrl).searchParams.get('state') ?? 'none'
    await finish(callback)
    const all = await world.dump()
    expect(all).not.toMatch(/doau[0-9a-f]{8}|eyJhbGciOiJSUzI1NiI|canary/)
    for (const secret of [query.get('code') ?? 'none', state]) expect(all).not.toContain(secret)
  })

  test('tries the secret before, where the newest is refused, and notes which was taken', async () => {
    const wrong = new Secret('a-secret-that-nobody-registered')
    await world.appConnections.addSecret(as.admin, connection.id, { clientSecret: wrong })
    await signIn(world, as.member, fabric.id)
    const { clientSecrets } = await world.appConnections.get(as.admin, connection.id)
    expect(clientSecrets.map(({ lastUsedAt }) => lastUsedAt !== null)).toEqual([false, true])
  })

  test('again as oneself replaces what was held, and keeps one grant', async () => {
    for (let turn = 0; turn < 3; turn += 1) await signIn(world, as.member, fabric.id)
    expect(await grants()).toEqual([{ user_id: 'usr_member', state: 'active' }])
  })

  test('B13 two people with the same workspace user have a grant each', async () => {
    await signIn(world, as.member, fabric.id)
    await signIn(world, as.lead, fabric.id)
    expect((await grants()).map(({ user_id }) => user_id).sort()).toEqual([
      'usr_lead',
      'usr_member'
    ])
  })

  test('ends with a sign-out: nothing is held, and doing it again is no fault', async () => {
    await signIn(world, as.member, fabric.id)
    await world.fabrics.signOut(as.member, fabric.id)
    await world.fabrics.signOut(as.member, fabric.id)
    expect(await grants()).toEqual([])
    expect(await world.sql('SELECT FROM grant_tokens')).toEqual([])
    expect((await world.fabrics.connection(as.member, fabric.id)).state).toBe('needs_sign_in')
    expect(await world.audit('connection.delete')).toHaveLength(1)
  })
})
