import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, newId, type TenantId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import {
  type DataKey,
  dataKeyIdOf,
  newDataKey,
  openEnvelope,
  sealEnvelope
} from '../crypto/envelope.ts'
import type { KeyWrap } from '../crypto/key-wrap.ts'
import { type DataKeyRow, insertDataKey, listDataKeys, lockDataKeys } from '../store/data-keys.ts'
import type { Db } from '../store/db.ts'
import { findTenant, listTenantIds } from '../store/tenants.ts'

/** Where a sealed value lies: table, row, column. The tenant comes from the scope. */
export type Place = readonly [table: string, rowId: string, column: string]

/** Seals and opens the tenant's secrets with its data key; see `crypto/envelope.ts` for the format. */
export interface Strongbox {
  /** Never inside a transaction: it may have to unwrap a key first. */
  seal(scope: TenantScope, place: Place, secret: Secret): Promise<string>
  /** @throws AppError `key_unavailable`: sealed for another place, changed, or its key is gone */
  open(scope: TenantScope, place: Place, sealed: string): Promise<Secret>
  /** Makes the tenant's first data key, where it has none. */
  prepare(scope: TenantScope): Promise<void>
  /** Lets go of the keys of tenants that have been erased, or are being erased, since they were opened. */
  forgetErased(): Promise<void>
}

/** Data keys stay unwrapped in memory, newest first per tenant. */
export function createStrongbox(db: Db, keyWrap: KeyWrap, clock: Clock): Strongbox {
  const keyrings = new Map<TenantId, Promise<readonly DataKey[]>>()

  function keysOf(scope: TenantScope): Promise<readonly DataKey[]> {
    const cached = keyrings.get(scope.tenantId)
    if (cached !== undefined) return cached
    const loading = load(scope).catch((error) => {
      keyrings.delete(scope.tenantId)
      throw error
    })
    keyrings.set(scope.tenantId, loading)
    return loading
  }

  async function load(scope: TenantScope): Promise<readonly DataKey[]> {
    const rows = await db.inTenant(scope, listDataKeys)
    if (rows.length > 0) return await Promise.all(rows.map((row) => unwrap(keyWrap, scope, row)))
    const fresh = newDataKey(newId('dataKey', clock))
    const wrapped = await keyWrap.wrap(fresh.key, wrapContext(scope, fresh.id))
    const winner = await db.inTenant(scope, async (tx) => {
      await lockDataKeys(tx)
      // The key of a tenant that is being erased was destroyed under this lock.
      if ((await findTenant(tx))?.status === 'erasing') throw new AppError('key_unavailable')
      const existing = await listDataKeys(tx)
      if (existing.length > 0) return existing
      await insertDataKey(tx, {
        id: asId('dataKey', fresh.id),
        wrapped,
        kekKid: keyWrap.newestKid,
        createdAt: clock.now()
      })
      return null
    })
    if (winner === null) return [fresh]
    return await Promise.all(winner.map((row) => unwrap(keyWrap, scope, row)))
  }

  async function keyOf(scope: TenantScope, id: string | null): Promise<DataKey> {
    const find = async () => (await keysOf(scope)).find((key) => key.id === id)
    const known = await find()
    if (known !== undefined) return known
    // Another replica may have made a newer key since.
    keyrings.delete(scope.tenantId)
    const fresh = await find()
    if (fresh !== undefined) return fresh
    throw new AppError('key_unavailable', { note: `no data key ${id ?? 'named'}` })
  }

  return {
    async seal(scope, place, secret) {
      const [newest] = await keysOf(scope)
      if (newest === undefined) throw new AppError('key_unavailable', { note: 'no data key' })
      return await sealEnvelope(newest, contextOf(scope, place), secret)
    },
    async open(scope, place, sealed) {
      const key = await keyOf(scope, dataKeyIdOf(sealed))
      return await openEnvelope(key, contextOf(scope, place), sealed)
    },
    async prepare(scope) {
      await keysOf(scope)
    },
    async forgetErased() {
      const held = [...keyrings.keys()]
      if (held.length === 0) return
      const living = new Set(await listTenantIds(db))
      for (const tenantId of held) if (!living.has(tenantId)) keyrings.delete(tenantId)
    }
  }
}

async function unwrap(keyWrap: KeyWrap, scope: TenantScope, row: DataKeyRow): Promise<DataKey> {
  return { id: row.id, key: await keyWrap.unwrap(row.wrapped, wrapContext(scope, row.id)) }
}

function wrapContext(scope: TenantScope, dataKeyId: string): string {
  return `${scope.tenantId}/data_keys/${dataKeyId}`
}

function contextOf(scope: TenantScope, [table, rowId, column]: Place) {
  return { tenantId: scope.tenantId, table, rowId, column }
}
