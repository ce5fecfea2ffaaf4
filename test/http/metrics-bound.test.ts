import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildAdminApp } from '../../src/http/admin.ts'
import { createPlatform, type Platform, platformHost } from '../support/platform.ts'
import { call } from './sockets.ts'

let platform: Platform
let admin: FastifyInstance

beforeAll(async () => {
  platform = await createPlatform()
  const { rooms, requests, world } = platform
  admin = await buildAdminApp({
    ...rooms,
    version: '0.0.0',
    requests,
    slowClients: { bodies: 0, readers: 0 },
    lagMs: () => 0,
    database: world.own.db.load,
    vault: rooms.vault.measures,
    jobs: rooms.clockwork.records,
    keys: rooms.keyCustody.state,
    ahead: rooms.refreshAhead.status,
    streams: rooms.courier.standing,
    spans: null
  })
}, 60_000)
afterAll(async () => {
  await admin?.close()
  await platform?.close()
})

/** Of Weft's own metrics; Node's have series for each kind of handle that is open. */
async function series(): Promise<string[]> {
  const { body } = await admin.inject('/metrics')
  return body
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
    .filter((name) => !/^weft_(process|nodejs)_/.test(name))
    .sort()
}

const sum = async (pattern: RegExp) =>
  (await admin.inject('/metrics')).body
    .split('\n')
    .filter((line) => pattern.test(line))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0)

/** A tenant with a team, a fabric, a person, a service account, and calls of every kind by both. */
async function drive(slug: string): Promise<string[]> {
  const { world, port } = platform
  const { tenantId, teamId } = await world.rows.tenant(slug)
  const connection = await platform.appConnection(tenantId, `secret-${slug}`)
  const principal = { clientId: `principal-of-${slug}`, clientSecret: `secret-of-${slug}` }
  const fabricId = await platform.fabric({ tenantId, teamId }, connection.id, principal)
  const accountId = await platform.serviceAccount(tenantId, [fabricId])
  const { key } = await platform.serviceKey(tenantId, accountId)
  const userId = await platform.person(tenantId, [[teamId, 'member']])
  await platform.grant(tenantId, userId, connection)
  const { token } = await platform.personalToken(tenantId, userId)
  const paths = [
    ['POST', `/fabrics/${fabricId}/serving-endpoints/endpoint-${slug}/invocations`],
    ['GET', `/fabrics/${fabricId}/api/2.0/serving-endpoints/named-${slug}`],
    ['POST', `/fabrics/${fabricId}/api/2.0/sql/statements`],
    ['GET', `/fabrics/${fabricId}/not-served/${slug}`],
    ['GET', `/api/v1/fabrics/${fabricId}?q=${slug}`],
    ['GET', `/nowhere/${slug}`]
  ] as const
  const ask = (bearer: string, method: string, path: string) => {
    const headers = { host: platformHost, authorization: `Bearer ${bearer}` }
    if (method === 'GET') return call(port, { method, path, headers })
    const json = { ...headers, 'content-type': 'application/json' }
    return call(port, { method, path, headers: json }, JSON.stringify({ of: slug }))
  }
  await Promise.all(
    [key, token, `wfts_unknown_${slug}`].flatMap((bearer) =>
      paths.map(([method, path]) => ask(bearer, method, path))
    )
  )
  return [tenantId, teamId, fabricId, accountId, userId, slug, world.server.origin]
}

test('the set of series is the same however many tenants, fabrics, people, endpoints, paths and refusals there are', async () => {
  const before = await series()
  const names: string[] = []
  for (let n = 0; n < 4; n += 1) names.push(...(await drive(`tenant-number-${n}`)))
  const { rooms, world } = platform
  for (let n = 0; n < 5; n += 1) {
    const { grantId } = await world.seedGrant()
    await rooms.vault.accessToken(world.scope, grantId, 60_000)
  }
  await rooms.clockwork.stop()

  const after = await series()
  expect(after).toEqual(before)
  expect(new Set(after).size).toBe(after.length)
  expect(after.length).toBeLessThan(1_200)
  const text = after.join('\n')
  for (const name of [...names, platformHost, 'people.test']) expect(text).not.toContain(name)
}, 60_000)

test('what was done is in them', async () => {
  expect(await sum(/^weft_upstream_calls_total\{kind="serving",identity="user"/)).toBe(8)
  expect(await sum(/^weft_upstream_calls_total\{kind="serving",identity="service_principal"/)).toBe(
    8
  )
  expect(await sum(/^weft_refreshes_total\{identity="service_principal",outcome="renewed"\}/)).toBe(
    4
  )
  expect(await sum(/^weft_refreshes_total\{identity="user",outcome="renewed"\}/)).toBe(5)
  expect(await sum(/^weft_problems_total\{code="path_not_allowed"/)).toBe(8)
  expect(await sum(/^weft_problems_total\{code="unauthenticated"/)).toBeGreaterThanOrEqual(4)
  expect(await sum(/^weft_own_seconds_count\{kind="serving"\}/)).toBe(16)
  expect(await sum(/^weft_database_connections\{state="idle"\}/)).toBeGreaterThan(0)
})
