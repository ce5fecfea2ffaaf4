import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { newDataKey } from '../crypto/envelope.ts'
import type { KeyRing } from '../crypto/key-ring.ts'
import type { KeyEncryptionKey } from '../crypto/key-wrap.ts'
import type { Db, PlainLookupTx } from '../store/db.ts'
import {
  inKeyRing,
  type KeyEncryptionKeyRow,
  listPromotedKeys,
  noteFingerprint,
  promoteKey
} from '../store/key-encryption-keys.ts'
import { deleteReplica, deleteSilentReplicas, noteReplica } from '../store/replicas.ts'
import { listTenantIds } from '../store/tenants.ts'
import { dataKeysHeldMaxMs } from '../vault/strongbox.ts'
import type { WrappedKeys } from '../vault/wrapped-keys.ts'
import { jobScope } from './job-scope.ts'

export interface CustodyState {
  readonly sealingFingerprint: string
  /** `staged`: in the ring and not promoted yet; `retiring`: promoted once, and seals no more. */
  readonly keys: Readonly<Record<'sealing' | 'staged' | 'retiring', number>>
  /** Since a key management service last answered, milliseconds; null: the key that seals is at none. */
  readonly silentMs: number | null
  /** The last trial failed: keys in memory serve, for an hour. */
  readonly isServiceAway: boolean
  /** The ring's file lacks what is needed, and the keys that this process has serve. */
  readonly isFileFaulty: boolean
}

/** Keeps this process's key ring what the database needs it to be. */
export interface KeyCustody {
  /**
   * Compares the ring with the keys that wrap something, and learns which one seals; a new deployment promotes the
   * ring's newest.
   * @throws AppError `key_unavailable`: a key is missing, or is another than it was; the note names its fingerprint
   */
  check(): Promise<void>
  /** The same of a process that serves: reads the ring anew and tells the others which keys it has. */
  turn(): Promise<void>
  /** @throws AppError `key_unavailable`: the last turn found that this process cannot open everything */
  assertGood(): void
  /** As the last turn found it; no I/O. */
  state(): CustodyState
  /** Nobody waits for this process any more. */
  leave(): Promise<void>
}

export interface KeyCustodyDeps {
  readonly db: Db
  readonly clock: Clock
  readonly keyRing: KeyRing
  readonly wrappedKeys: WrappedKeys
  /** The ring as its file holds it now, newest first; null: it cannot change while the process runs. */
  readonly readKeys: (() => readonly KeyEncryptionKey[]) | null
  readonly replica: { readonly id: string; readonly host: string }
}

export const custodyEveryMs = 3_000
/** Who has said nothing for so long does not serve any more. */
export const replicaSilentMs = 5 * custodyEveryMs
/** Between two looks whether a key management service answers. */
const probeEveryMs = 60_000
const probeContext = 'platform/key_probe'
const silentKeptMs = 24 * 60 * 60_000

export function createKeyCustody(deps: KeyCustodyDeps): KeyCustody {
  const { db, clock, keyRing, wrappedKeys, readKeys, replica } = deps
  const startedAt = clock.now()
  let fault: AppError | null = null
  let [isFileFaulty, isServiceAway] = [false, false]
  let promotedKids: readonly string[] = []
  let [probedMs, answeredMs] = [Number.NEGATIVE_INFINITY, clock.monotonicMs()]

  async function compare(
    keys: readonly KeyEncryptionKey[],
    isServing: boolean,
    areAdopted = false
  ): Promise<void> {
    const sealingKid = await inKeyRing(db, async (tx) => {
      const promoted = await promotedKeys(tx, keys)
      if (!areAdopted && promoted.some(({ fingerprint }) => fingerprint === null)) return null
      assertHeld(promoted, keys)
      promotedKids = promoted.map(({ kid }) => kid)
      const sealing = promoted[0]?.kid ?? ''
      if (isServing) await announce(tx, keys, sealing)
      return sealing
    })
    if (sealingKid === null) {
      await adoptFingerprints(keys)
      return await compare(keys, isServing, true)
    }
    keyRing.replace(keys)
    keyRing.sealWith(sealingKid)
  }

  async function promotedKeys(
    tx: PlainLookupTx,
    [newest]: readonly KeyEncryptionKey[]
  ): Promise<KeyEncryptionKeyRow[]> {
    const promoted = await listPromotedKeys(tx)
    if (promoted.length > 0 || newest === undefined) return promoted
    const { kid, fingerprint } = newest
    await promoteKey(tx, { kid, fingerprint, promotedAt: clock.now() })
    return await listPromotedKeys(tx)
  }

  async function announce(
    tx: PlainLookupTx,
    keys: readonly KeyEncryptionKey[],
    sealingKid: string
  ): Promise<void> {
    const seenAt = clock.now()
    const fingerprints = Object.fromEntries(keys.map(({ kid, fingerprint }) => [kid, fingerprint]))
    await Promise.all([
      noteReplica(tx, { ...replica, startedAt, seenAt, sealingKid, fingerprints }),
      deleteSilentReplicas(tx, plusMs(seenAt, -silentKeptMs))
    ])
  }

  /** Of keys that wrapped something before fingerprints were kept: believed where they do open it. */
  async function adoptFingerprints(keys: readonly KeyEncryptionKey[]): Promise<void> {
    const promoted = await inKeyRing(db, listPromotedKeys)
    for (const { kid } of promoted.filter((row) => row.fingerprint === null)) {
      const key = keys.find((one) => one.kid === kid)
      if (key === undefined) continue
      if (!(await provesAnything(kid))) throw unavailable(`${nameOf(kid)} opens nothing`)
      await inKeyRing(db, (tx) => noteFingerprint(tx, kid, key.fingerprint))
    }
  }

  function readFile(): readonly KeyEncryptionKey[] | null {
    try {
      return readKeys?.() ?? null
    } catch (err) {
      isFileFaulty = true
      throw err
    }
  }

  async function provesAnything(kid: string): Promise<boolean> {
    const ofPlatform = await wrappedKeys.proves(null, kid)
    if (ofPlatform !== null) return ofPlatform
    for (const tenantId of await listTenantIds(db)) {
      const ofTenant = await wrappedKeys.proves(jobScope(tenantId, 'key_custody'), kid)
      if (ofTenant !== null) return ofTenant
    }
    return true
  }

  /** Whether the service that has the sealing key answers: before somebody has to wait for it. */
  async function probe(): Promise<void> {
    const nowMs = clock.monotonicMs()
    if (!isSealingRemote() || nowMs - probedMs < probeEveryMs) return
    probedMs = nowMs
    try {
      const wrapped = await keyRing.wrap(newDataKey('probe').key, probeContext)
      await keyRing.unwrap(wrapped, probeContext)
      answeredMs = clock.monotonicMs()
      isServiceAway = false
    } catch (error) {
      isServiceAway = true
      throw error
    }
  }

  function isSealingRemote(): boolean {
    return keyRing.keys.some(({ kid, isRemote }) => isRemote && kid === keyRing.sealingKid)
  }

  return {
    check: () => compare(keyRing.keys, false),
    async turn() {
      const inFile = readFile()
      try {
        await compare(inFile ?? keyRing.keys, true)
        fault = null
        isFileFaulty = false
      } catch (err) {
        if (!isUnavailable(err)) throw err
        // A slip of whoever wrote the file takes no key away that this process has.
        isFileFaulty = inFile !== null
        fault = inFile === null ? err : await faultOf(compare(keyRing.keys, true))
        throw err
      }
      await probe()
    },
    assertGood() {
      if (fault !== null) throw fault
      const silentMs = clock.monotonicMs() - answeredMs
      if (isSealingRemote() && silentMs > dataKeysHeldMaxMs) {
        throw unavailable('the key management service has not answered for an hour')
      }
    },
    state() {
      const { keys, sealingKid, fingerprints } = keyRing
      const isPromoted = ({ kid }: KeyEncryptionKey) => promotedKids.includes(kid)
      const promoted = keys.filter(isPromoted).length
      const silentMs = isSealingRemote() ? clock.monotonicMs() - answeredMs : null
      return {
        sealingFingerprint: fingerprints.get(sealingKid) ?? '',
        keys: { sealing: 1, staged: keys.length - promoted, retiring: Math.max(0, promoted - 1) },
        silentMs,
        isServiceAway: silentMs !== null && isServiceAway,
        isFileFaulty
      }
    },
    leave: () => inKeyRing(db, (tx) => deleteReplica(tx, replica.id))
  }
}

/** @throws AppError `key_unavailable`, its note naming every key that is needed */
function assertHeld(
  promoted: readonly KeyEncryptionKeyRow[],
  keys: readonly KeyEncryptionKey[]
): void {
  const faults = promoted.flatMap(({ kid, fingerprint }) => {
    const needed = fingerprint === null ? nameOf(kid) : `${nameOf(kid)}, fingerprint ${fingerprint}`
    const own = keys.find((key) => key.kid === kid)
    if (own === undefined) return [`the key ring lacks ${needed}`]
    const isSame = fingerprint === null || fingerprint === own.fingerprint
    return isSame ? [] : [`the key ring has another key than ${needed}: ${own.fingerprint}`]
  })
  if (faults.length > 0) throw unavailable(faults.join('; '))
}

async function faultOf(work: Promise<void>): Promise<AppError | null> {
  try {
    await work
    return null
  } catch (err) {
    if (!isUnavailable(err)) throw err
    return err
  }
}

function isUnavailable(err: unknown): err is AppError {
  return err instanceof AppError && err.code === 'key_unavailable'
}

function nameOf(kid: string): string {
  return `key ${JSON.stringify(kid)}`
}

function unavailable(note: string): AppError {
  return new AppError('key_unavailable', { note })
}
