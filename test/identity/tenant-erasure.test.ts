import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { commandLineCall } from '../../src/identity/identity.ts'
import { identityScope } from '../../src/identity/identity-scope.ts'
import { beginTenantErasure, eraseRows } from '../../src/store/tenant-erasures.ts'
import { createPeople, type People, type Person } from './people.ts'
import { auditOf, codeOf, personNamed, type Replica } from './world.ts'

let people: People
let operator: Person
let elsewhere: Replica
beforeAll(async () => {
  people = await createPeople()
  elsewhere = people.replica()
  operator = people.admin
})
afterAll(() => people?.close())

const path = '/api/v1/tenants'
const place = ['login_providers', 'x', 'client_secret'] as const

/** A tenant with a person in it, and how many of its rows are left anywhere. */
async function settled(slug: string) {
  const { tenantId } = await people.createTenant(slug)
  const gus = await people.enter(personNamed(`gus-of-${slug}`), slug)
  const countRows = async () => {
    const tables = await people.sql<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'tenant_id'`
    )
    let count = 0
    for (const { name } of tables) {
      const sql = `SELECT count(*)::int AS n FROM ${name} WHERE tenant_id = $1`
      count += (await people.sql<{ n: number }>(sql, [tenantId]))[0]?.n ?? 0
    }
    return count
  }
  return { tenantId, gus, countRows, scope: identityScope(tenantId, null) }
}

describe('D13 C12 erasing a tenant', () => {
  test('D13 leaves no row, no way in and no person of its own; the operator gets a receipt', async () => {
    const { tenantId, gus, countRows } = await settled('globex')
    const [head] = await people.sql<{ length: number }>(
      'SELECT max(seq)::int AS length FROM audit_events WHERE tenant_id = $1',
      [tenantId]
    )
    expect(await countRows()).toBeGreaterThan(5)
    const { status, body } = await operator.call('DELETE', `${path}/${tenantId}?confirm=globex`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      tenantId,
      slug: 'globex',
      erasedBy: { kind: 'user', id: operator.id },
      grants: { revoked: 0, notRevoked: 0 },
      audit: { length: (head?.length ?? 0) + 1 },
      rows: { data_keys: 1, memberships: 1, sessions: 1, teams: 2 }
    })
    expect(body.finishedAt).not.toBeNull()
    expect(body.audit.headHash).toMatch(/^[0-9a-f]{64}$/)
    expect(await countRows()).toBe(0)
    expect(await people.sql('SELECT 1 FROM users WHERE id = $1', [gus.id])).toEqual([])
    expect((await gus.call('GET', '/api/v1/me')).status).toBe(401)
    expect((await operator.call('GET', `${path}/${tenantId}`)).status).toBe(404)
    expect((await operator.call('GET', `${path}/${tenantId}/erasure`)).body).toEqual(body)
    const again = await operator.call('DELETE', `${path}/${tenantId}?confirm=globex`)
    expect(again.status).toBe(404)
    expect(await auditOf(people, people.acme.tenantId, 'tenant.erase')).toHaveLength(1)
  })

  test('D13 the slug is free again, and who takes it inherits nothing', async () => {
    const { tenantId } = await settled('initech')
    await operator.call('DELETE', `${path}/${tenantId}?confirm=initech`)
    const anew = await settled('initech')
    expect(anew.tenantId).not.toBe(tenantId)
    const { body } = await operator.call('GET', `${path}/${anew.tenantId}`)
    expect(body).toMatchObject({ slug: 'initech', counts: { members: 1, fabrics: 0 } })
    expect((await anew.gus.call('GET', '/api/v1/me')).body.role).toBe('member')
  })

  test('400 without the slug, or with another tenant’s: nothing happens', async () => {
    const { tenantId, countRows } = await settled('careful')
    const before = await countRows()
    for (const query of ['', '?confirm=acme', '?confirm=', '?confirm=careful&confirm=careful']) {
      const { status } = await operator.call('DELETE', `${path}/${tenantId}${query}`)
      expect([query, status]).toEqual([query, 400])
    }
    expect(await countRows()).toBe(before)
  })

  test('C12 its sealed values open nowhere from the first moment on, and nobody makes it a new key', async () => {
    const { scope } = await settled('sealed')
    const sealed = await people.strongbox.seal(scope, place, new Secret('a secret'))
    expect(await codeOf(elsewhere.strongbox.open(scope, place, sealed))).toBe('no error')
    await people.db.inTenant(scope, (tx) => beginTenantErasure(tx, commandLineCall.actor))
    // Where a key was held in memory, the clockwork lets go of it within seconds.
    for (const { strongbox } of [people, elsewhere]) {
      await strongbox.forgetErased()
      expect(await codeOf(strongbox.open(scope, place, sealed))).toBe('key_unavailable')
      expect(await codeOf(strongbox.seal(scope, place, new Secret('more')))).toBe('key_unavailable')
      expect(await codeOf(strongbox.prepare(scope))).toBe('key_unavailable')
    }
    expect(
      await people.sql('SELECT 1 FROM data_keys WHERE tenant_id = $1', [scope.tenantId])
    ).toEqual([])
  })

  test('D13 a process that dies half-way leaves it to the next, which goes on to the end', async () => {
    const { tenantId, countRows, scope, gus } = await settled('halfway')
    await people.db.inTenant(scope, (tx) => beginTenantErasure(tx, commandLineCall.actor))
    for (let turn = 0; turn < 3; turn += 1) {
      await people.db.inTenant(scope, (tx) => eraseRows(tx, 1))
    }
    expect(await countRows()).toBeGreaterThan(0)
    await people.noticeChanges()
    expect((await gus.call('GET', '/api/v1/me')).status).toBe(401)
    expect((await operator.call('POST', `${path}/${tenantId}/resume`)).body.status).toBe('erasing')
    await elsewhere.identity.tenants.continueErasures()
    expect(await countRows()).toBe(0)
    const receipt = await operator.call('GET', `${path}/${tenantId}/erasure`)
    expect(receipt.body).toMatchObject({ grants: null, erasedBy: { kind: 'system', id: 'cli' } })
    expect(receipt.body.finishedAt).not.toBeNull()
  })

  test('D13 rows that are written meanwhile are erased too, or refused', async () => {
    const { tenantId, countRows, scope } = await settled('busy')
    const account = (n: number) =>
      people.db.inTenant(scope, (tx) =>
        tx.rows.serviceAccount.create({
          data: { id: `sva_late_${n}`, tenantId, name: `late ${n}`, createdAt: new Date() }
        })
      )
    let isOver = false
    let count = 0
    const writeOn = async () => {
      while (!isOver) await account(count++).catch(() => undefined)
    }
    const writing = Promise.all([writeOn(), writeOn(), writeOn(), writeOn()])
    const { body } = await operator.call('DELETE', `${path}/${tenantId}?confirm=busy`)
    isOver = true
    expect(body.finishedAt).not.toBeNull()
    await writing
    expect(await codeOf(account(-1))).toBe('not_found')
    expect(await countRows()).toBe(0)
  })

  test('the bootstrap tenant’s erasure does not keep a server from starting', async () => {
    const { scope } = await settled('boot')
    await people.db.inTenant(scope, (tx) => beginTenantErasure(tx, commandLineCall.actor))
    const start = () => people.bootstrap.ensureBootstrap({ tenantSlug: 'boot', login: null })
    expect(await start()).toEqual({ tenantId: scope.tenantId, login: null })
    await people.identity.tenants.continueErasures()
    expect((await start()).tenantId).not.toBe(scope.tenantId)
  })
})
