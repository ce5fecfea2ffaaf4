import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { listTenantStandings } from '../../src/store/tenant-standings.ts'
import {
  bumpTenantVersion,
  createTenantVersions,
  readTenantVersion,
  versionTrustMs
} from '../../src/store/tenant-versions.ts'
import { insertTenant } from '../../src/store/tenants.ts'
import { createVersionedMemory } from '../../src/store/versioned-memory.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let here: Db
let there: Db
const tenantId = asId('tenant', 'ten_versions')
const scope = makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)

function steerable() {
  let ms = 0
  return {
    now: systemClock().now,
    monotonicMs: () => ms,
    pass(more: number) {
      ms += more
    }
  }
}

/** A memory of one number that a counter gives; how often it was read is how often the memory was empty. */
function counted(db: Db, clock = steerable()) {
  const versions = createTenantVersions(db, clock)
  const memory = createVersionedMemory<number>(versions, 10)
  const seen = { reads: 0 }
  const read = () =>
    db.inTenant(scope, async (tx) => {
      const version = await readTenantVersion(tx)
      seen.reads += 1
      return { tenantId, version, value: seen.reads }
    })
  return { versions, memory, seen, clock, get: () => memory.get('key', read) }
}

const change = (db: Db) => db.inTenant(scope, bumpTenantVersion)

beforeAll(async () => {
  database = await createTestDatabase()
  here = createDb({ url: new Secret(database.appUrl) })
  there = createDb({ url: new Secret(database.appUrl) })
  const createdAt = new Date()
  await here.inTenant(scope, (tx) => insertTenant(tx, { slug: 'versions', name: 'V', createdAt }))
})

afterAll(async () => {
  await here.close()
  await there.close()
  await database.drop()
})

describe('what a replica remembers of a tenant', () => {
  test('is read once for as long as nothing changes, however many ask at once', async () => {
    const { get, seen, versions } = counted(here)
    await Promise.all([get(), get(), get()])
    await versions.poll()
    expect(await get()).toBe(1)
    expect(seen.reads).toBe(1)
  })

  test('is read anew after the next poll when another replica changed the tenant', async () => {
    const { get, seen, versions } = counted(here)
    await get()
    await change(there)
    expect(await get(), 'before the poll nobody can know').toBe(1)
    await versions.poll()
    expect(await get()).toBe(2)
    expect(seen.reads).toBe(2)
  })

  test('is read anew at once when this replica changed the tenant', async () => {
    const { get } = counted(here)
    await get()
    await change(here)
    expect(await get()).toBe(2)
  })

  test('is read anew at once though a poll was under way when this replica changed the tenant', async () => {
    const { get, versions } = counted(here)
    await get()
    const polling = versions.poll()
    await change(here)
    await polling
    expect(await get()).toBe(2)
  })

  test('is read anew after a poll though an older reading, which a job had asked for, ended after it', async () => {
    const answered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    let isFirst = true
    const slow: Db = { ...here }
    Object.assign(slow, {
      askLookup: (...asked: Parameters<Db['askLookup']>) => {
        const answer = here.askLookup(...asked)
        if (!isFirst) return answer
        isFirst = false
        return answer.finally(() => {
          answered.resolve()
          return release.promise
        })
      }
    })
    const { get, versions } = counted(slow)
    await get()
    const older = listTenantStandings(slow)
    await answered.promise
    await change(there)
    const polling = versions.poll()
    release.resolve()
    await Promise.all([older, polling])
    expect(await get()).toBe(2)
  })

  test('is not trusted once the counts could not be asked for too long', async () => {
    const { get, clock } = counted(here)
    await get()
    clock.pass(versionTrustMs + 1)
    expect(await get()).toBe(2)
  })

  test('a reading that was dropped while it ran is used and not remembered', async () => {
    const { get, memory } = counted(here)
    const reading = get()
    memory.drop('key')
    expect(await reading).toBe(1)
    expect(await get()).toBe(2)
  })
})
