import assert from 'node:assert/strict'
import { asId, type FabricId, idPrefixes } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { findFabricIdBySlug } from '../store/fabrics.ts'
import { readTenantVersion, type TenantVersions } from '../store/tenant-versions.ts'
import { findTenant } from '../store/tenants.ts'
import { createVersionedMemory } from '../store/versioned-memory.ts'

/** How a fabric is named in a host name. */
export interface FabricName {
  readonly slug: string
  readonly tenantSlug: string
}

export interface FabricSlugs {
  /**
   * Which fabric a host name means. Where the actor's own tenant has none of that name it is one that nobody
   * has: there is a single place, `FabricAccess`, that says what there is, and on the way to it nothing tells
   * a fabric that the actor doesn't see from none.
   */
  findBySlug(scope: TenantScope, name: FabricName): Promise<FabricId>
}

const namesMax = 10_000
const nowhere = asId('fabric', `${idPrefixes.fabric}_${'0'.repeat(26)}`)

export function createFabricSlugs({
  db,
  versions
}: {
  readonly db: Db
  readonly versions: TenantVersions
}): FabricSlugs {
  const known = createVersionedMemory<FabricId>(versions, namesMax)
  return {
    async findBySlug(scope, { slug, tenantSlug }) {
      const { tenantId } = scope
      const id = await known.get(`${tenantId}/${tenantSlug}/${slug}`, () =>
        db.inTenant(scope, async (tx) => {
          const version = await readTenantVersion(tx)
          const isOwn = (await findTenant(tx))?.slug === tenantSlug
          const found = isOwn ? await findFabricIdBySlug(tx, slug) : null
          if (found === null) return { tenantId, version: null, value: nowhere }
          return { tenantId, version, value: asId('fabric', found) }
        })
      )
      assert(id !== null, 'a name always means something')
      return id
    }
  }
}
