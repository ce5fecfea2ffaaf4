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
  openEnvelopeText,
  resealEnvelope,
  sealEnvelope
} from '../crypto/envelope.ts'
import type { KeyWrap } from '../crypto/key-wrap.ts'
import {
  type DataKeyRow,
  dataKeys,
  insertDataKey,
  listDataKeys,
  lockDataKeys
} from '../store/data-keys.ts'
import type { Db, Tx } from '../store/db.ts'
import { listTenantStandings, type TenantStanding } from '../store/tenant-standings.ts'
import { tenantVersion } from '../store/tenant-versions.ts'
import { findTenant } from '../store/tenants.ts'
import { dataKeyContext } from './wrapped-keys.ts'

/** Where a sealed value lies: table, row, column. The tenant comes from the scope. */
export type Place = readonly [table: string, rowId: string, column: string]

/** Seals and opens the tenant's secrets with its data key; see `crypto/envelope.ts` for the format. */
export interface Strongbox {
  /** Never inside a transaction: it may have to unwrap a key first. */
  seal(scope: TenantScope, place: Place, secret: Secret): Promise<string>
  /** @throws AppError `key_unavailable`: sealed for another place, changed, or its key is gone */
  open(scope: TenantScope, place: Place, sealed: string): Promise<Secret>
  /** As `open`, of a text that is no secret and goes back to who gave it. */
  openText(scope: TenantScope, place: Place, sealed: string): Promise<string>
  /** Makes the tenant's first data key, where it has none. */
  prepare(scope: TenantScope): Promise<void>
  /**
   * What `seal` would make of it now: the same secret for the same place, sealed with the tenant's newest key.
   * @throws AppError `key_unavailable`: the text does not open
   */
  reseal(scope: TenantScope, sealed: string): Promise<string>
  /**
   * Gives the tenant a new data key, which seals from now on, unless it has more than one in use already.
   * @param record runs in the transaction that adds it; a change it notes tells the other replicas
   */
  addKey(scope: TenantScope, record: (tx: Tx, id: string) => Promise<void>): Promise<void>
  /** Looks which tenants have changed, and lets go of the keys of tenants that have been erased, or are being erased, since they were opened. */
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

type OpenKey = DataKey & Pick<DataKeyRow, 'wrapped' | 'retiredAt'>

/** A tenant's keys as they were last unwrapped. */
interface Held {
  readonly keys: Promise<readonly OpenKey[]>
  readonly openedAtMs: number
  readonly version: Promise<number>
  /** The tenant has changed since: it may have another key. */
  isStale: boolean
  triedAtMs: number
}

/** Data keys stay unwrapped in memory, newest first per tenant. */
export function createStrongbox(db: Db, keyWrap: KeyWrap, clock: Clock): Strongbox {
  const held = new Map<TenantId, Held>()

  function keysOf(scope: TenantScope): Promise<readonly OpenKey[]> {
    const found = held.get(scope.tenantId)
    const nowMs = clock.monotonicMs()
    if (found === undefined || nowMs - found.openedAtMs > dataKeysHeldMaxMs) return open(scope)
    const isDue = found.isStale || nowMs - found.openedAtMs > dataKeysFreshMs
    if (isDue && nowMs - found.triedAtMs > renewEveryMs) {
      // What cannot be unwrapped anew now is tried again; until then what is held serves.
      void renew(scope, found).catch(() => undefined)
    }
    return found.keys
  }

  /** What seals must not be an old key where the tenant has a new one. */
  async function sealingKeyOf(scope: TenantScope): Promise<OpenKey> {
    const found = held.get(scope.tenantId)
    if (found?.isStale === true) await renew(scope, found).catch(() => undefined)
    const newest = (await keysOf(scope)).find(({ retiredAt }) => retiredAt === null)
    if (newest === undefined) throw new AppError('key_unavailable', { note: 'no data key' })
    return newest
  }

  function open(scope: TenantScope): Promise<readonly OpenKey[]> {
    const nowMs = clock.monotonicMs()
    const loading = load(scope, [])
    const keys = loading.then((loaded) => loaded.keys)
    const version = loading.then((loaded) => loaded.version)
    const entry: Held = { keys, version, isStale: false, openedAtMs: nowMs, triedAtMs: nowMs }
    held.set(scope.tenantId, entry)
    version.catch(() => {
      if (held.get(scope.tenantId) === entry) held.delete(scope.tenantId)
    })
    return keys
  }

  /** Unwraps anew what is due, and what is not known yet. */
  async function renew(scope: TenantScope, entry: Held): Promise<void> {
    const nowMs = clock.monotonicMs()
    entry.triedAtMs = nowMs
    const isDue = nowMs - entry.openedAtMs > dataKeysFreshMs
    const { keys, version } = await load(scope, isDue ? [] : await entry.keys)
    if (held.get(scope.tenantId) !== entry) return
    held.set(scope.tenantId, {
      keys: Promise.resolve(keys),
      version: Promise.resolve(version),
      isStale: false,
      openedAtMs: isDue ? nowMs : entry.openedAtMs,
      triedAtMs: nowMs
    })
  }

  async function load(scope: TenantScope, known: readonly OpenKey[]) {
    const [[tenant], rows] = await db.ask(scope, tenantVersion(), dataKeys())
    const found = rows.length > 0 ? rows : await makeFirst(scope)
    const keys = await Promise.all(
      found.map(async (row) => {
        const same = known.find(({ id, wrapped }) => id === row.id && wrapped === row.wrapped)
        return same === undefined
          ? await unwrap(keyWrap, scope, row)
          : { ...same, retiredAt: row.retiredAt }
      })
    )
    return { keys, version: tenant?.version ?? 0 }
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
      return await sealEnvelope(await sealingKeyOf(scope), contextOf(scope, place), secret)
    },
    async open(scope, place, sealed) {
      const key = await keyOf(scope, dataKeyIdOf(sealed))
      return await openEnvelope(key, contextOf(scope, place), sealed)
    },
    async openText(scope, place, sealed) {
      const key = await keyOf(scope, dataKeyIdOf(sealed))
      return await openEnvelopeText(key, contextOf(scope, place), sealed)
    },
    async prepare(scope) {
      await keysOf(scope)
    },
    async reseal(scope, sealed) {
      const from = await keyOf(scope, dataKeyIdOf(sealed))
      return await resealEnvelope(from, await sealingKeyOf(scope), scope.tenantId, sealed)
    },
    async addKey(scope, record) {
      const fresh = newDataKey(newId('dataKey', clock))
      const wrapped = await keyWrap.wrap(fresh.key, dataKeyContext(scope, fresh.id))
      await db.inTenant(scope, async (tx) => {
        await lockDataKeys(tx)
        if ((await findTenant(tx))?.status === 'erasing') throw new AppError('key_unavailable')
        const inUse = (await listDataKeys(tx)).filter(({ retiredAt }) => retiredAt === null)
        if (inUse.length > 1) return
        const id = asId('dataKey', fresh.id)
        const kekKid = keyWrap.kidOf(wrapped)
        await insertDataKey(tx, { id, wrapped, kekKid, createdAt: clock.now() })
        await record(tx, id)
      })
      held.delete(scope.tenantId)
    },
    async forgetErased() {
      if (held.size === 0) return
      const standings = await listTenantStandings(db)
      const isHeld = ({ id, status }: TenantStanding) =>
        status !== 'erasing' && held.has(asId('tenant', id))
      const versions = new Map(standings.filter(isHeld).map(({ id, version }) => [id, version]))
      for (const [tenantId, entry] of [...held]) {
        const version = versions.get(tenantId)
        if (version === undefined) held.delete(tenantId)
        else if (version > (await entry.version.catch(() => version))) entry.isStale = true
      }
    }
  }
}

async function unwrap(keyWrap: KeyWrap, scope: TenantScope, row: DataKeyRow): Promise<OpenKey> {
  const { id, wrapped, retiredAt } = row
  return { id, wrapped, retiredAt, key: await keyWrap.unwrap(wrapped, dataKeyContext(scope, id)) }
}

function contextOf(scope: TenantScope, [table, rowId, column]: Place) {
  return { tenantId: scope.tenantId, table, rowId, column }
}
