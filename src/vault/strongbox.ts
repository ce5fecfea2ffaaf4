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
import { dataKeyContext } from './wrapped-keys.ts'

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

/** After so long data keys are unwrapped anew, beside the calls that use them, milliseconds. */
export const dataKeysFreshMs = 15 * 60_000
/**
 * For how long data keys that were unwrapped once serve while they cannot be unwrapped anew, milliseconds: so long
 * the key management service may be away, and so soon a key that is disabled there opens nothing more.
 */
export const dataKeysHeldMaxMs = 60 * 60_000
/** Between two tries to unwrap them anew. */
const renewEveryMs = 30_000

type OpenKey = DataKey & Pick<DataKeyRow, 'retiredAt'>

/** A tenant's keys as they were last unwrapped. */
interface Held {
  readonly keys: Promise<readonly OpenKey[]>
  readonly openedAtMs: number
  triedAtMs: number
}

/** Data keys stay unwrapped in memory, newest first per tenant. */
export function createStrongbox(db: Db, keyWrap: KeyWrap, clock: Clock): Strongbox {
  const held = new Map<TenantId, Held>()

  function keysOf(scope: TenantScope): Promise<readonly OpenKey[]> {
    const found = held.get(scope.tenantId)
    const nowMs = clock.monotonicMs()
    if (found === undefined || nowMs - found.openedAtMs > dataKeysHeldMaxMs) return open(scope)
    const isDue = nowMs - found.openedAtMs > dataKeysFreshMs
    if (isDue && nowMs - found.triedAtMs > renewEveryMs) {
      found.triedAtMs = nowMs
      // What cannot be unwrapped anew now is tried again; until then what is held serves.
      void renew(scope, found).catch(() => undefined)
    }
    return found.keys
  }

  function open(scope: TenantScope): Promise<readonly OpenKey[]> {
    const nowMs = clock.monotonicMs()
    const keys = load(scope)
    const entry: Held = { keys, openedAtMs: nowMs, triedAtMs: nowMs }
    held.set(scope.tenantId, entry)
    keys.catch(() => {
      if (held.get(scope.tenantId) === entry) held.delete(scope.tenantId)
    })
    return keys
  }

  async function renew(scope: TenantScope, entry: Held): Promise<void> {
    const nowMs = clock.monotonicMs()
    const keys = await load(scope)
    const isWanted = held.get(scope.tenantId) === entry
    const next = { keys: Promise.resolve(keys), openedAtMs: nowMs, triedAtMs: nowMs }
    if (isWanted) held.set(scope.tenantId, next)
  }

  async function load(scope: TenantScope): Promise<readonly OpenKey[]> {
    const rows = await db.inTenant(scope, listDataKeys)
    const found = rows.length > 0 ? rows : await makeFirst(scope)
    return await Promise.all(found.map((row) => unwrap(keyWrap, scope, row)))
  }

  async function makeFirst(scope: TenantScope): Promise<readonly DataKeyRow[]> {
    const fresh = newDataKey(newId('dataKey', clock))
    const wrapped = await keyWrap.wrap(fresh.key, dataKeyContext(scope, fresh.id))
    return await db.inTenant(scope, async (tx) => {
      await lockDataKeys(tx)
      // The key of a tenant that is being erased was destroyed under this lock.
      if ((await findTenant(tx))?.status === 'erasing') throw new AppError('key_unavailable')
      const existing = await listDataKeys(tx)
      if (existing.length > 0) return existing
      const id = asId('dataKey', fresh.id)
      const kekKid = keyWrap.kidOf(wrapped)
      await insertDataKey(tx, { id, wrapped, kekKid, createdAt: clock.now() })
      return await listDataKeys(tx)
    })
  }

  async function keyOf(scope: TenantScope, id: string | null): Promise<DataKey> {
    const find = async () => (await keysOf(scope)).find((key) => key.id === id)
    const known = await find()
    if (known !== undefined) return known
    // Another replica may have made a newer key since.
    held.delete(scope.tenantId)
    const fresh = await find()
    if (fresh !== undefined) return fresh
    throw new AppError('key_unavailable', { note: `no data key ${id ?? 'named'}` })
  }

  return {
    async seal(scope, place, secret) {
      const newest = (await keysOf(scope)).find(({ retiredAt }) => retiredAt === null)
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
      const tenantIds = [...held.keys()]
      if (tenantIds.length === 0) return
      const living = new Set(await listTenantIds(db))
      for (const tenantId of tenantIds) if (!living.has(tenantId)) held.delete(tenantId)
    }
  }
}

async function unwrap(keyWrap: KeyWrap, scope: TenantScope, row: DataKeyRow): Promise<OpenKey> {
  const { id, wrapped, retiredAt } = row
  return { id, retiredAt, key: await keyWrap.unwrap(wrapped, dataKeyContext(scope, id)) }
}

function contextOf(scope: TenantScope, [table, rowId, column]: Place) {
  return { tenantId: scope.tenantId, table, rowId, column }
}
