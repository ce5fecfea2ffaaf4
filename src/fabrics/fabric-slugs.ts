import assert from 'node:assert/strict'
import { AppError } from '../base/errors.ts'
import { asId, type FabricId } from '../base/ids.ts'
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
   * Which fabric a host name means; whether the actor may ask it is for `FabricAccess` to say.
   * @throws AppError `not_found`: no such fabric in the actor's own tenant, or another tenant's name
   */
  findBySlug(scope: TenantScope, name: FabricName): Promise<FabricId>
}

const namesMax = 10_000

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
          if (found === null) throw new AppError('not_found')
          return { tenantId, version, value: asId('fabric', found) }
        })
      )
      assert(id !== null, 'a fabric that is not there is thrown and not returned')
      return id
    }
  }
}
