import { setTimeout as delay } from 'node:timers/promises'
import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { sealedPrefixOf } from '../crypto/envelope.ts'
import {
  type DataKeyRow,
  deleteDataKeys,
  listDataKeys,
  retireDataKeys
} from '../store/data-keys.ts'
import type { Db } from '../store/db.ts'
import {
  countSealedValues,
  listSealedValues,
  replaceSealedValue,
  type SealedValue
} from '../store/sealed-values.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { jobScope } from './job-scope.ts'

export interface DataKeyReport {
  readonly tenantId: string
  /** The key that seals now. */
  readonly dataKeyId: string
  /** Values that this run sealed anew. */
  readonly resealed: number
  /** Keys that seal nothing any more; they are destroyed a day later, after another look. */
  readonly retired: readonly string[]
}

/** Data keys of all tenants, counted; nothing of what they seal. */
export interface DataKeyStatus {
  /** Whose rotation is under way, no more than a hundred. */
  readonly rotating: readonly DataKeyProgress[]
  /** Keys that seal nothing any more and wait for their destruction. */
  readonly retired: number
}

export interface DataKeyProgress {
  readonly tenantId: TenantId
  /** When the new key was made. */
  readonly since: Date
  /** Values that an older key still seals; `leftMax` where there are as many or more. */
  readonly left: number
}

export const leftMax = 10_000

export interface DataKeyRotation {
  status(): Promise<DataKeyStatus>
  /**
   * Gives a tenant a new data key and seals all it has anew, value by value; a rotation that was left half-way
   * is gone on with instead.
   * @throws AppError `key_unavailable`: some values do not open; the old key stays
   */
  rotate(tenantId: TenantId, tell: (step: string) => void): Promise<DataKeyReport>
  /** Goes on with what was left half-way, in any tenant, and destroys what was retired a day ago. */
  sweep(): Promise<void>
}

export interface DataKeyRotationDeps {
  readonly db: Db
  readonly clock: Clock
  readonly strongbox: Strongbox
  readonly audit: Audit
  /** After so long every replica seals with a new key; between two looks for what was sealed with an old one. */
  readonly settleMs?: number
}

const settleDefaultMs = 10_000
const batch = 200
const rotatingMax = 100
/** For what a process that was stopped in the middle of a write puts down late. */
const destroyedAfterMs = 24 * 60 * 60_000

export function createDataKeyRotation(deps: DataKeyRotationDeps): DataKeyRotation {
  const { db, clock, strongbox, audit, settleMs = settleDefaultMs } = deps

  /** A new key, unless a rotation is under way. @returns the tenant's keys, newest first */
  async function begin(scope: TenantScope): Promise<readonly DataKeyRow[]> {
    await strongbox.prepare(scope)
    await strongbox.addKey(scope, (tx, id) =>
      audit.append(tx, { action: 'data_key.rotate', object: ['data_key', id] })
    )
    return await db.inTenant(scope, listDataKeys)
  }

  /** @returns how many values there were, of which `resealed` are sealed anew */
  async function resealAll(
    scope: TenantScope,
    keys: readonly DataKeyRow[],
    tell: (resealed: number) => void
  ): Promise<{ found: number; resealed: number }> {
    const total = { found: 0, resealed: 0 }
    for (const { id } of keys) {
      for (;;) {
        const values = await db.inTenant(scope, (tx) =>
          listSealedValues(tx, sealedPrefixOf(id), batch)
        )
        if (values.length === 0) break
        const resealed = await resealBatch(scope, values)
        total.found += values.length
        total.resealed += resealed
        tell(total.resealed)
      }
    }
    return total
  }

  async function resealBatch(scope: TenantScope, values: readonly SealedValue[]): Promise<number> {
    const anew: [SealedValue, string][] = []
    for (const value of values) {
      const next = await strongbox.reseal(scope, value.sealed).catch(ifUnopened)
      if (next !== null) anew.push([value, next])
    }
    if (anew.length === 0) throw new AppError('key_unavailable', { note: whereOf(values) })
    let resealed = 0
    for (const [value, next] of anew) {
      // One by one: nobody waits for the row longer than for this.
      const isDone = await db.inTenant(scope, (tx) => replaceSealedValue(tx, value, next))
      resealed += Number(isDone)
    }
    return resealed
  }

  async function rotate(
    scope: TenantScope,
    keys: readonly DataKeyRow[],
    tell: (step: string) => void
  ): Promise<DataKeyReport> {
    const [newest, ...older] = keys
    let resealed = 0
    for (;;) {
      const done = await resealAll(scope, older, (count) => tell(`re-sealed ${resealed + count}`))
      resealed += done.resealed
      if (done.found === 0) break
      // A replica that has not heard of the new key yet seals with the old one for a moment.
      await delay(settleMs)
    }
    const retired = older.filter(({ retiredAt }) => retiredAt === null).map(({ id }) => id)
    if (retired.length > 0) {
      await db.inTenant(scope, async (tx) => {
        await retireDataKeys(tx, retired, clock.now())
        await audit.append(tx, { action: 'data_key.retire', object: ['tenant', scope.tenantId] })
      })
    }
    return { tenantId: scope.tenantId, dataKeyId: newest?.id ?? '', resealed, retired }
  }

  async function destroy(scope: TenantScope, keys: readonly DataKeyRow[]): Promise<void> {
    const before = plusMs(clock.now(), -destroyedAfterMs)
    const due = keys.filter(({ retiredAt }) => retiredAt !== null && retiredAt < before)
    const { found } = await resealAll(scope, due, () => undefined)
    // What came late is sealed anew now; the key goes at a turn that finds nothing.
    if (due.length === 0 || found > 0) return
    const ids = due.map(({ id }) => id)
    await db.inTenant(scope, async (tx) => {
      await deleteDataKeys(tx, ids)
      await audit.append(tx, { action: 'data_key.destroy', object: ['tenant', scope.tenantId] })
    })
  }

  /** Null: it has one key that seals, or none yet. */
  async function progressOf(
    scope: TenantScope,
    [newest, ...older]: readonly DataKeyRow[]
  ): Promise<DataKeyProgress | null> {
    const spent = older.filter(({ retiredAt }) => retiredAt === null)
    if (newest === undefined || spent.length === 0) return null
    let left = 0
    for (const { id } of spent) {
      const atMost = leftMax - left
      left += await db.inTenant(scope, (tx) => countSealedValues(tx, sealedPrefixOf(id), atMost))
    }
    return { tenantId: scope.tenantId, since: newest.createdAt, left }
  }

  async function sweepTenant(scope: TenantScope): Promise<void> {
    const keys = await db.inTenant(scope, listDataKeys)
    if (keys.filter(({ retiredAt }) => retiredAt === null).length > 1) {
      await rotate(scope, keys, () => undefined)
    }
    await destroy(scope, keys)
  }

  return {
    async status() {
      const rotating: DataKeyProgress[] = []
      let retired = 0
      for (const tenantId of await listTenantIds(db)) {
        const scope = jobScope(tenantId, 'operations')
        const keys = await db.inTenant(scope, listDataKeys)
        retired += keys.filter(({ retiredAt }) => retiredAt !== null).length
        const progress = rotating.length < rotatingMax ? await progressOf(scope, keys) : null
        if (progress !== null) rotating.push(progress)
      }
      return { rotating, retired }
    },
    async rotate(tenantId, tell) {
      const scope = jobScope(tenantId, 'cli')
      const keys = await begin(scope)
      tell(`new data key ${keys[0]?.id}`)
      return await rotate(scope, keys, tell)
    },
    async sweep() {
      const failures: unknown[] = []
      for (const tenantId of await listTenantIds(db)) {
        const scope = jobScope(tenantId, 'data_key_sweep')
        await sweepTenant(scope).catch((err: unknown) => failures.push(err))
      }
      if (failures.length > 0) throw failures[0]
    }
  }
}

function ifUnopened(err: unknown): null {
  if (err instanceof AppError && err.code === 'key_unavailable') return null
  throw err
}

function whereOf(values: readonly SealedValue[]): string {
  const places = new Set(values.map(({ relation, attribute }) => `${relation}.${attribute}`))
  return `${values.length} values do not open, and their key stays: ${[...places].join(', ')}`
}
