import { Agent } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FabricId, TenantId } from '../../src/base/ids.ts'
import { answerTo } from '../matrix/answers.ts'
import { bearerOf, browserOf } from '../matrix/cast.ts'
import { createPlatform, type Platform } from '../support/platform.ts'

/** Somebody who calls, through one fabric, and whom the workspace then must have seen. */
interface Party {
  readonly tenantId: TenantId
  readonly fabricId: FabricId
  readonly actorId: string
  readonly workspaceUser: string
  readonly headers: Readonly<Record<string, string>>
}

const tenantCount = 5
const peopleOfTenant = 4
/** `WEFT_CALLS=10000` for the whole number, which takes its minutes. */
const callCount = Number(process.env.WEFT_CALLS ?? 2_000)
const atOnce = 300

let platform: Platform
const parties: Party[] = []

beforeAll(async () => {
  platform = await createPlatform()
  for (let n = 0; n < tenantCount; n += 1) parties.push(...(await peopled(`tenant-${n}`)))
}, 60_000)
afterAll(() => platform?.close())

/** A tenant with two teams, a fabric each, people in both, a service account for each fabric. */
async function peopled(slug: string): Promise<Party[]> {
  const { world, rooms } = platform
  const first = await world.rows.tenant(slug)
  const { tenantId } = first
  const teams = [first.teamId, await platform.team(tenantId)] as const
  const connection = await platform.appConnection(tenantId, `secret-${slug}`)
  const made: Party[] = []
  const fabrics: FabricId[] = []
  for (const [at, teamId] of teams.entries()) {
    const clientId = `principal-${at}-of-${slug}`
    const principal = { clientId, clientSecret: `secret-of-${clientId}` }
    const fabricId = await platform.fabric({ tenantId, teamId }, connection.id, principal)
    fabrics.push(fabricId)
    const actorId = await platform.serviceAccount(tenantId, [fabricId])
    const { key } = await platform.serviceKey(tenantId, actorId)
    const { accessToken } = await rooms.identity.serviceTokens.issue({
      serviceAccountId: actorId,
      serviceKey: key,
      tenantSlug: null,
      target: null,
      source: '192.0.2.1',
      requestId: 'crossed-token'
    })
    for (const bearer of [key, accessToken]) {
      const headers = bearerOf(bearer)
      made.push({ tenantId, fabricId, actorId, workspaceUser: clientId, headers })
    }
  }
  for (let n = 0; n < peopleOfTenant; n += 1) {
    const userId = await platform.person(
      tenantId,
      teams.map((id) => [id, 'member'])
    )
    await platform.grant(tenantId, userId, connection)
    const session = browserOf(await world.rows.session(tenantId, userId))
    const script = bearerOf((await platform.personalToken(tenantId, userId)).token)
    for (const fabricId of fabrics) {
      for (const headers of [session, script]) {
        made.push({ tenantId, fabricId, actorId: userId, workspaceUser: userId, headers })
      }
    }
  }
  return made
}

/** The same numbers each time, from 0 up to 1. */
function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

test('D6 thousands of calls of many tenants at once: no token, row, record, log line or memory is another’s', async () => {
  const { world, rooms, port, lines } = platform
  const { server } = world
  const random = numbersFrom(6)
  server.rules.accessTtlSeconds = 3_600
  server.holdApi = () => new Promise((resolve) => setTimeout(resolve, random() * 15))
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const crossed: unknown[] = []
  const askedBy = new Map<string, Party>()
  let [sent, turnedAway] = [0, 0]

  async function callOne(): Promise<void> {
    const party = parties[Math.floor(random() * parties.length)]
    if (party === undefined) return
    const requestId = `crossed-${sent}`
    askedBy.set(requestId, party)
    sent += 1
    // Half-way the workspace disowns all tokens, and everybody's next call renews theirs.
    if (sent === callCount / 2) server.books.killAccessTokens()
    const { status, headers, text } = await answerTo(port, agent, {
      method: 'POST',
      path: `/fabrics/${party.fabricId}/serving-endpoints/probe/invocations`,
      headers: { ...party.headers, 'x-request-id': requestId, 'content-type': 'application/json' },
      payload: JSON.stringify({ inputs: [requestId] })
    })
    // A machine that is slow today may say so: that is nobody else's answer, and whoever is told comes again.
    if (status === 503 && text.includes('"overloaded"')) {
      turnedAway += 1
      return
    }
    const seen = status === 200 ? JSON.parse(text).as : text
    const isOwn = seen === party.workspaceUser && headers['x-weft-fabric'] === party.fabricId
    if (!isOwn) crossed.push({ requestId, status, seen, expected: party.workspaceUser })
  }

  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (sent - turnedAway < callCount) await callOne()
    })
  )
  agent.destroy()

  expect(turnedAway).toBeLessThan(callCount / 4)
  expect(crossed).toEqual([])
  const renewed = server.requests.filter(({ grantType }) => grantType === 'refresh_token')
  expect(renewed, 'each person’s, once').toHaveLength(tenantCount * peopleOfTenant)

  const told = lines.filter(({ msg }) => msg === 'request')
  expect(told).toHaveLength(sent)
  const astray = told.filter(({ requestId, tenant, actor, fabric }) => {
    const party = askedBy.get(String(requestId))
    return tenant !== party?.tenantId || actor !== party?.actorId || fabric !== party?.fabricId
  })
  expect(astray).toEqual([])

  await rooms.records.flush()
  const records = await world.sql<Record<string, string>>(
    'SELECT request_id, tenant_id, actor_id, fabric_id, grant_id, identity FROM call_records'
  )
  expect(records.length).toBeGreaterThanOrEqual(sent - turnedAway)
  const misfiled = records.filter((row) => {
    const party = askedBy.get(row.request_id ?? '')
    return (
      row.tenant_id !== party?.tenantId ||
      row.actor_id !== party?.actorId ||
      row.fabric_id !== party?.fabricId
    )
  })
  expect(misfiled).toEqual([])
  const grants = await world.sql(
    `SELECT FROM call_records r JOIN grants g ON g.id = r.grant_id
      WHERE g.tenant_id <> r.tenant_id
         OR coalesce(g.user_id, g.fabric_id) NOT IN (r.actor_id, r.fabric_id)`
  )
  expect(grants).toEqual([])
}, 240_000)
