import { Agent } from 'node:http'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import type { AuditEventView } from '../../src/audit/audit-reader.ts'
import { chainStart, hashAuditEvent } from '../../src/audit/event-hash.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { answerTo } from '../matrix/answers.ts'
import { browserOf } from '../matrix/cast.ts'
import { createPlatform, type Platform } from '../support/platform.ts'

const agent = new Agent({ keepAlive: true })
let platform: Platform
beforeAll(async () => {
  platform = await createPlatform()
}, 60_000)
afterAll(async () => {
  agent.destroy()
  await platform?.close()
})

type Line = Omit<AuditEventView, 'at'> & { readonly at: string }

/** The chain's own hash, from what an export tells and nothing else. */
function hashOf({ actor, object, hash: _, ...line }: Line, tenantId: string): string {
  return hashAuditEvent({
    ...line,
    tenantId,
    seq: BigInt(line.seq),
    at: new Date(line.at),
    actorKind: actor.kind,
    actorId: actor.id,
    objectKind: object.kind,
    objectId: object.id
  })
}

test('I5 I6 an export holds the whole chain of one tenant, which whoever has it can check by the signed head alone', async () => {
  const { world, rooms, port } = platform
  const [acme, globex] = [await world.rows.tenant('acme'), await world.rows.tenant('globex')]
  const size = 1_234
  for (const { tenantId } of [acme, globex]) {
    const scope = makeTenantScope(tenantId, { kind: 'system', id: 'export' }, systemAuthority)
    const events = Array.from({ length: size }, (_, at) => ({
      action: 'team.update' as const,
      object: ['team', `team-${at}`] as const,
      details: { name: `${tenantId} ${at}` }
    }))
    await createAudit(world.own.db, world.clock).record(scope, events)
  }
  const admin = await platform.person(acme.tenantId, [], 'tenant_admin')
  const headers = browserOf(await world.rows.session(acme.tenantId, admin))
  const get = (path: string, accept: string) =>
    answerTo(port, agent, {
      method: 'GET',
      path,
      headers: { ...headers, accept },
      payload: null
    })
  const { status, text } = await get('/api/v1/audit-events', 'application/x-ndjson')
  expect(status).toBe(200)
  const lines = text.trimEnd().split('\n')
  const { end } = JSON.parse(lines.pop() ?? '')
  const chain = lines.map((line): Line => JSON.parse(line)).reverse()
  expect(end).toMatchObject({ count: size, truncated: false, head: { seq: size } })

  let previousHash = chainStart
  for (const [at, line] of chain.entries()) {
    expect(line).toMatchObject({ seq: at + 1, previousHash })
    expect(hashOf(line, acme.tenantId)).toBe(line.hash)
    previousHash = line.hash
  }
  const { keys } = await rooms.identity.signingKeys.published()
  const jwks = createLocalJWKSet({ keys: [...keys] })
  const { payload } = await jwtVerify(end.head.jws, jwks, { typ: 'weft-audit-head+jwt' })
  expect(payload).toMatchObject({ sub: acme.tenantId, seq: size, hash: previousHash })
  expect(text).not.toContain(globex.tenantId)

  const filtered = await get('/api/v1/audit-events?action=team.create', 'application/x-ndjson')
  expect(JSON.parse(filtered.text)).toMatchObject({ end: { count: 0, head: { seq: size } } })
}, 60_000)
