import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import type { Db } from '../store/db.ts'
import {
  deleteKeys,
  inKeyRing,
  listPromotedKeys,
  promoteKey
} from '../store/key-encryption-keys.ts'
import { listReplicas, type ReplicaRow } from '../store/replicas.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { WrappedKeys } from '../vault/wrapped-keys.ts'
import { jobScope } from './job-scope.ts'
import { custodyEveryMs, replicaSilentMs } from './key-custody.ts'

/** The key ring and who has it, as an operator sees them. */
export interface KeyStatus {
  readonly sealingKid: string | null
  readonly keys: readonly KeyView[]
  readonly replicas: readonly ReplicaView[]
}

export interface KeyView {
  readonly kid: string
  readonly fingerprint: string | null
  /** `staged`: newer than the key that seals, and never used; `unneeded`: may be taken out of the ring. */
  readonly state: 'seals' | 'opens' | 'staged' | 'unneeded'
  readonly isInRing: boolean
  readonly promotedAt: Date | null
  /** How many data keys, of tenants and of signing keys, it wraps. */
  readonly wraps: number
  /** Hosts of serving replicas that do not have it. */
  readonly missingOn: readonly string[]
}

export interface ReplicaView {
  readonly id: string
  readonly host: string
  readonly startedAt: Date
  readonly seenAt: Date
  readonly sealingKid: string
}

export interface KeyRotationReport {
  readonly to: string
  readonly replicas: number
  readonly rewrapped: number
  /** Keys that wrap nothing any more and may be taken out of every ring. */
  readonly retired: readonly string[]
}

export interface KeyRotation {
  status(): Promise<KeyStatus>
  /**
   * Stages, promotes, re-wraps, verifies and retires, as far as each is not done yet: whoever runs it again goes on
   * where it was left.
   * @param to kid of the key that is to seal; default: the ring's newest
   * @param waitMs for how long replicas without that key are waited for
   * @param tell hears of each step
   * @throws AppError `conflict`: a replica lags, or another rotation is under way; `key_unavailable`
   */
  rotate(
    options: { readonly to: string | null; readonly waitMs: number },
    tell: (step: string) => void
  ): Promise<KeyRotationReport>
}

export interface KeyRotationDeps {
  readonly db: Db
  readonly clock: Clock
  readonly keyRing: KeyRing
  readonly wrappedKeys: WrappedKeys
}

const lookEveryMs = 500
const rewrapPassesMax = 5
const progressEvery = 500

export function createKeyRotation(deps: KeyRotationDeps): KeyRotation {
  const { db, clock, keyRing, wrappedKeys } = deps
  const liveSince = () => plusMs(clock.now(), -replicaSilentMs)

  /** The platform's signing keys, then each tenant. */
  async function* scopes(): AsyncGenerator<TenantScope | null> {
    yield null
    for (const tenantId of await listTenantIds(db)) yield jobScope(tenantId, 'key_rotation')
  }

  /** Waits until `isDone` of every replica that serves, itself gone or not. @throws AppError `conflict` */
  async function awaitReplicas(
    isDone: (replica: ReplicaRow) => boolean,
    waitMs: number,
    what: string,
    tell: (step: string) => void
  ): Promise<void> {
    const startedMs = clock.monotonicMs()
    let told = ''
    for (;;) {
      const live = await inKeyRing(db, (tx) => listReplicas(tx, liveSince()))
      const lagging = live.filter((replica) => !isDone(replica)).map(nameOf)
      if (lagging.length === 0) return
      const words = `${what}; waiting for ${lagging.join(', ')}`
      if (clock.monotonicMs() - startedMs > waitMs) throw new AppError('conflict', { note: words })
      if (words !== told) tell(words)
      told = words
      await delay(lookEveryMs)
    }
  }

  /** Takes its turn with replicas that start: none that lacks the key comes in between. */
  async function promote(kid: string, fingerprint: string): Promise<void> {
    const lagging = await inKeyRing(db, async (tx) => {
      const live = await listReplicas(tx, liveSince())
      const without = live.filter(({ fingerprints }) => fingerprints[kid] !== fingerprint)
      if (without.length > 0) return without
      const [sealing] = await listPromotedKeys(tx)
      const promotedAt = sealing?.kid === kid ? sealing.promotedAt : clock.now()
      await promoteKey(tx, { kid, fingerprint, promotedAt })
      return []
    })
    if (lagging.length === 0) return keyRing.sealWith(kid)
    throw new AppError('conflict', { note: `without the key: ${lagging.map(nameOf).join(', ')}` })
  }

  async function rewrapAll(tell: (step: string) => void): Promise<number> {
    let [total, looked] = [0, 0]
    const failed: string[] = []
    for await (const scope of scopes()) {
      const done = await wrappedKeys.rewrap(scope)
      total += done.rewrapped
      failed.push(...done.failed)
      looked += 1
      if (looked % progressEvery === 0) tell(`re-wrapped ${total}, ${looked} tenants looked at`)
    }
    if (failed.length === 0) return total
    const note = `${failed.length} cannot be re-wrapped, and their key stays: ${failed.slice(0, 5).join(', ')}`
    throw new AppError('key_unavailable', { note })
  }

  /** @returns false: something is wrapped by an old key that was not when it was looked at */
  async function retire(to: string): Promise<string[] | null> {
    const counts = await countAll()
    if ([...counts.keys()].some((kid) => kid !== to)) return null
    return await inKeyRing(db, async (tx) => {
      const [sealing, ...old] = await listPromotedKeys(tx)
      if (sealing?.kid !== to) throw new AppError('conflict', { note: `${sealing?.kid} seals now` })
      const kids = old.map(({ kid }) => kid)
      await deleteKeys(tx, kids)
      return kids
    }).catch((err: unknown) => {
      if (err instanceof AppError && err.code === 'not_found') return null
      throw err
    })
  }

  async function countAll(): Promise<Map<string, number>> {
    const all = new Map<string, number>()
    for await (const scope of scopes()) {
      for (const [kid, count] of await wrappedKeys.count(scope)) {
        all.set(kid, (all.get(kid) ?? 0) + count)
      }
    }
    return all
  }

  return {
    async status() {
      const [promoted, replicas] = await inKeyRing(db, async (tx) => [
        await listPromotedKeys(tx),
        await listReplicas(tx, liveSince())
      ])
      const counts = await countAll()
      const { fingerprints } = keyRing
      const ringKids = [...fingerprints.keys()]
      const sealingKid = promoted[0]?.kid ?? null
      const stateOf = (kid: string): KeyView['state'] => {
        if (kid === sealingKid) return 'seals'
        if (promoted.some((row) => row.kid === kid)) return 'opens'
        return ringKids.indexOf(kid) < ringKids.indexOf(sealingKid ?? '') ? 'staged' : 'unneeded'
      }
      const kids = new Set([...ringKids, ...promoted.map(({ kid }) => kid)])
      return {
        sealingKid,
        keys: [...kids].map((kid) => {
          const row = promoted.find((one) => one.kid === kid)
          const fingerprint = row?.fingerprint ?? fingerprints.get(kid) ?? null
          const without = replicas.filter((one) => one.fingerprints[kid] !== fingerprint)
          return {
            kid,
            fingerprint,
            state: stateOf(kid),
            isInRing: fingerprints.has(kid),
            promotedAt: row?.promotedAt ?? null,
            wraps: counts.get(kid) ?? 0,
            missingOn: without.map(({ host }) => host)
          }
        }),
        replicas: replicas.map(({ fingerprints: _, ...view }) => view)
      }
    },

    async rotate({ to: wanted, waitMs }, tell) {
      const to = wanted ?? keyRing.keys[0]?.kid ?? ''
      const fingerprint = keyRing.fingerprints.get(to)
      if (fingerprint === undefined) {
        throw new AppError('key_unavailable', { note: `the key ring has no key ${to}` })
      }
      const hasKey = (replica: ReplicaRow) => replica.fingerprints[to] === fingerprint
      await awaitReplicas(hasKey, waitMs, `staged ${to} (${fingerprint})`, tell)
      await promote(to, fingerprint)
      tell(`promoted ${to}`)
      // A replica that lagged behind would wrap by the old key what was looked at already.
      const sealsWithIt = (replica: ReplicaRow) => replica.sealingKid === to
      const settleMs = Math.max(waitMs, 2 * custodyEveryMs)
      await awaitReplicas(sealsWithIt, settleMs, `promoted ${to}`, tell)
      let rewrapped = 0
      for (let pass = 1; pass <= rewrapPassesMax; pass += 1) {
        rewrapped += await rewrapAll(tell)
        tell(`re-wrapped ${rewrapped}`)
        const retired = await retire(to)
        if (retired === null) continue
        tell(`verified: ${to} wraps everything`)
        const { length: replicas } = await inKeyRing(db, (tx) => listReplicas(tx, liveSince()))
        return { to, replicas, rewrapped, retired }
      }
      throw new AppError('conflict', { note: 'something is wrapped by an old key again and again' })
    }
  }
}

function nameOf({ host, id }: ReplicaRow): string {
  return `${host} (${id.slice(0, 8)})`
}
