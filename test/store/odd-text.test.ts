import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { listFabrics } from '../../src/store/fabrics.ts'
import { clock, createStoreWorld, type StoreWorld, scopeOf } from './world.ts'

let world: StoreWorld

beforeAll(async () => {
  world = await createStoreWorld()
})
afterAll(() => world.close())

test('D11 a text that Postgres cannot hold is the caller’s fault, not ours', async () => {
  const filter = { kind: null, teamId: null, status: null, q: 'a\0b' }
  const page = { limit: 5, cursor: null, teams: 'all', ids: null } as const
  const asked = world.db.inTenant(scopeOf(newId('tenant', clock)), (tx) =>
    listFabrics(tx, page, filter)
  )
  await expect(asked).rejects.toMatchObject({ code: 'invalid_request' })
})
