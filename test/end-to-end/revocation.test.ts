import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import { publicUrl, type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { type Load, startLoad } from './revocation-load.ts'
import { exchange, jsonOf } from './wire.ts'

const kinds = ['service-key', 'token-of-a-key', 'token-of-an-identity', 'personal-token'] as const
/** A key of the same service account, and one that is used all the while. */
const control = 'other-key'
const issuer = 'https://issuer.test'
const accounts = '/api/v1/service-accounts'

let world: VaultWorld
let replicas: ReplicaProcess[]
let load: Load
/** The person or admin whose session it is, and what they delete. */
let revocations: Record<(typeof kinds)[number], { session: string; path: string }>

beforeAll(async () => {
  world = await createVaultWorld()
  replicas = await startReplicas(world, 3)
  const { tenantId } = world.seeded
  const principal = { clientId: randomUUID(), clientSecret: 'secret-of-the-principal' }
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  const fabricId = await world.seedFabric(principal)
  const { userId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  const member = await world.rows.session(tenantId, userId)
  const adminId = await world.rows.user(world.seeded)
  await world.sql(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1`, [adminId])
  const admin = await world.rows.session(tenantId, adminId)

  const account = await accountFor(admin, fabricId)
  const keys = `${accounts}/${account}/keys`
  const key = () => make(admin, 201, 'POST', keys, { name: 'key' })
  const [first, second, third] = [await key(), await key(), await key()]
  const workload = await accountFor(admin, fabricId)
  const identities = `${accounts}/${workload}/federated-identities`
  const { identityId, token } = await federated(admin, workload)
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
  const personal = await make(member, 201, 'POST', '/api/v1/tokens', { name: 'script', expiresAt })

  revocations = {
    'service-key': { session: admin, path: `${keys}/${first.id}` },
    'token-of-a-key': { session: admin, path: `${keys}/${second.id}` },
    'token-of-an-identity': { session: admin, path: `${identities}/${identityId}` },
    'personal-token': { session: member, path: `/api/v1/tokens/${personal.id}` }
  }
  load = await startLoad(world, replicas, fabricId, {
    'service-key': first.key ?? '',
    'token-of-a-key': await tokenOf({
      grant_type: 'client_credentials',
      client_id: account,
      client_secret: second.key ?? ''
    }),
    'token-of-an-identity': token,
    'personal-token': personal.token ?? '',
    [control]: third.key ?? ''
  })
}, 120_000)

afterAll(async () => {
  await load?.stop()
  await Promise.all((replicas ?? []).map((replica) => replica.stop()))
  await world.close()
}, 60_000)

test.each(kinds)(
  'C11 D13 %s: revoked through one replica under load, out on all three within five seconds, streams included',
  async (kind) => {
    const tracks = load.tracksOf(kind)
    for (const { calls, cutMs } of tracks) {
      await expect.poll(() => calls.length, { timeout: 15_000 }).toBeGreaterThan(10)
      expect(calls.filter(({ status }) => status !== 200)).toEqual([])
      expect(cutMs()).toBeNull()
    }

    const { session, path } = revocations[kind]
    await make(session, 204, 'DELETE', path, undefined, kinds.indexOf(kind) % 3)
    const revokedMs = performance.now()

    for (const [at, { calls, cutMs, requestId }] of tracks.entries()) {
      const refused = () => calls.filter(({ status }) => status !== 200)
      await expect.poll(() => refused().length, { timeout: 15_000 }).toBeGreaterThan(10)
      await expect.poll(cutMs, { timeout: 15_000 }).not.toBeNull()
      expect((cutMs() ?? 0) - revokedMs).toBeLessThan(5_000)
      // By Weft and not by the workspace: the log says why.
      const line = () =>
        logOf(at).find((one) => one.includes(requestId) && one.includes('"status"'))
      await expect.poll(line, { timeout: 10_000 }).toMatch(/"code":"unauthenticated"/)

      const begins = calls.findIndex(({ status }) => status !== 200)
      const [last, since] = [calls[begins - 1], calls.slice(begins)]
      expect((last?.sentMs ?? 0) - revokedMs).toBeLessThan(5_000)
      expect(
        since.filter(({ status, code }) => status !== 401 || code !== 'unauthenticated')
      ).toEqual([])
      // Not one of them was sent on to the workspace.
      expect(new Set(since.map(({ arrived }) => arrived)).size).toBe(1)
    }
  },
  40_000
)

test('C11 D13 another key of the same account, in use all the while, sees no failure and keeps its streams', async () => {
  for (const { calls, cutMs } of load.tracksOf(control)) {
    const before = calls.length
    await expect.poll(() => calls.length, { timeout: 15_000 }).toBeGreaterThan(before + 5)
    expect(before).toBeGreaterThan(40)
    expect(calls.filter(({ status }) => status !== 200)).toEqual([])
    expect(calls.at(-1)?.arrived).toBeGreaterThanOrEqual(calls.length)
    expect(cutMs()).toBeNull()
  }
}, 30_000)

function logOf(at: number): string[] {
  return replicas[at]?.output().split('\n') ?? []
}

/** One call of the management API, through the replica of that number. */
async function make(
  session: string,
  status: number,
  method: string,
  path: string,
  body?: unknown,
  at = 0
): Promise<Record<string, string>> {
  const answer = await exchange(originOf(at), path, {
    method,
    headers: {
      host: new URL(publicUrl).host,
      origin: publicUrl,
      cookie: `__Host-weft_session=${session}`,
      'x-weft-csrf': '1',
      ...(body !== undefined && { 'content-type': 'application/json' })
    },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  if (answer.status !== status) throw new TypeError(`${method} ${path}: ${answer.body}`)
  return answer.body.length === 0 ? {} : (jsonOf(answer) as Record<string, string>) // ids, keys
}

async function accountFor(session: string, fabricId: FabricId): Promise<string> {
  const { id = '' } = await make(session, 201, 'POST', accounts, { name: randomUUID() })
  await make(session, 200, 'PUT', `${accounts}/${id}/fabrics`, { fabrics: [{ fabricId }] })
  return id
}

async function federated(session: string, account: string) {
  const key = await newSigningKey()
  const [audience, subject] = [`${publicUrl}/workloads`, 'system:serviceaccount:etl:loader']
  const path = `${accounts}/${account}/federated-identities`
  const identity = { name: 'cluster', issuer, audience, subject, jwks: { keys: [key.jwk] } }
  const { id } = await make(session, 201, 'POST', path, identity)
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, aud: audience, sub: subject, jti: randomUUID(), iat, exp: iat + 60 }
  const token = await tokenOf({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_id: account,
    subject_token: await signWith(key)(claims),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt'
  })
  return { identityId: id, token }
}

async function tokenOf(form: Record<string, string>): Promise<string> {
  const answer = await exchange(originOf(0), '/oauth2/token', {
    headers: {
      host: new URL(publicUrl).host,
      'content-type': 'application/x-www-form-urlencoded'
    },
    body: new URLSearchParams(form).toString()
  })
  if (answer.status !== 200) throw new TypeError(String(answer.body))
  return String(jsonOf(answer).access_token)
}

function originOf(at: number): string {
  return `http://127.0.0.1:${replicas[at]?.port}`
}
