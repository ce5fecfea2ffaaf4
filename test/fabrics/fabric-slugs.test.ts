import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFabricSlugs, type FabricSlugs } from '../../src/fabrics/fabric-slugs.ts'
import { createTenantVersions, type TenantVersions } from '../../src/store/tenant-versions.ts'
import { clock, createStoreWorld, type StoreWorld, scopeOf } from '../store/world.ts'

const nowhere = `fab_${'0'.repeat(26)}`
let world: StoreWorld
let versions: TenantVersions
let slugs: FabricSlugs

beforeAll(async () => {
  world = await createStoreWorld()
  for (const tenant of ['ten_a', 'ten_b']) await world.seed(tenant)
  await world.keeper.query("UPDATE fabrics SET slug = 'spark'")
  versions = createTenantVersions(world.db, clock)
  slugs = createFabricSlugs({ db: world.db, versions })
})
afterAll(() => world?.close())

const find = (tenant: string, tenantSlug: string, slug = 'spark') =>
  slugs.findBySlug(scopeOf(tenant), { slug, tenantSlug })

test('one slug in two tenants is each one’s own fabric', async () => {
  expect(await find('ten_a', 'slug-ten_a')).toBe('fabrics.id.ten_a')
  expect(await find('ten_b', 'slug-ten_b')).toBe('fabrics.id.ten_b')
})

test('D9 another tenant’s name, one that is none, and no such fabric mean one that nobody has', async () => {
  await find('ten_b', 'slug-ten_b')
  expect(await find('ten_a', 'slug-ten_b')).toBe(nowhere)
  expect(await find('ten_a', '')).toBe(nowhere)
  expect(await find('ten_a', 'slug-ten_a', 'other')).toBe(nowhere)
})

test('a name that was found needs no query, until its tenant changes', async () => {
  await find('ten_a', 'slug-ten_a')
  await world.keeper.query("UPDATE fabrics SET slug = 'renamed' WHERE tenant_id = 'ten_a'")
  expect(await find('ten_a', 'slug-ten_a')).toBe('fabrics.id.ten_a')
  await world.keeper.query("UPDATE tenants SET version = version + 1 WHERE id = 'ten_a'")
  await versions.poll()
  expect(await find('ten_a', 'slug-ten_a')).toBe(nowhere)
  expect(await find('ten_a', 'slug-ten_a', 'renamed')).toBe('fabrics.id.ten_a')
})
