import type { Clock } from '../base/clock.ts'
import type { Vitals } from '../base/vitals.ts'
import type { OperatorCall } from '../identity/identity.ts'
import { requireAuthority } from '../identity/roles.ts'
import type { Db } from '../store/db.ts'
import { listVitals, noteVitals, type ReplicaVitals } from '../store/replicas.ts'
import type { Job } from './clockwork.ts'
import type { DataKeyRotation, DataKeyStatus } from './data-key-rotation.ts'
import { replicaSilentMs } from './key-custody.ts'
import type { KeyRotation, KeyStatus } from './key-rotation.ts'

/** The whole deployment as its operator sees it; nothing of any tenant. */
export interface Operations {
  /** @throws AppError `forbidden` */
  view(by: OperatorCall): Promise<OperationsView>
  /** Counted tenant by tenant, so no more often than every few seconds. @throws AppError `forbidden` */
  keys(by: OperatorCall): Promise<KeysView>
}

export interface OperationsView {
  readonly at: Date
  /** Those that serve, longest running first, then those that ended without a word, of the last day. */
  readonly replicas: readonly (ReplicaVitals & { readonly isServing: boolean })[]
}

export interface KeysView extends Pick<KeyStatus, 'sealingKid' | 'keys'> {
  readonly at: Date
  readonly dataKeys: DataKeyStatus
}

export interface OperationsDeps {
  readonly db: Db
  readonly clock: Clock
  readonly keyRotation: Pick<KeyRotation, 'status'>
  readonly dataKeyRotation: Pick<DataKeyRotation, 'status'>
}

const shownMax = 200
const keysHeldMs = 5_000

export function createOperations(deps: OperationsDeps): Operations {
  const { db, clock, keyRotation, dataKeyRotation } = deps
  let held: { readonly since: number; readonly keys: Promise<KeysView> } | null = null

  async function readKeys(): Promise<KeysView> {
    const { sealingKid, keys } = await keyRotation.status()
    return { at: clock.now(), sealingKid, keys, dataKeys: await dataKeyRotation.status() }
  }

  return {
    async view(by) {
      requireAuthority(by, 'operations.get')
      const rows = await listVitals(db, shownMax)
      const at = clock.now()
      const isServing = ({ seenAt }: ReplicaVitals) =>
        at.getTime() - seenAt.getTime() < replicaSilentMs
      const serving = rows.filter(isServing)
      serving.sort((one, other) => one.startedAt.getTime() - other.startedAt.getTime())
      const silent = rows.filter((row) => !isServing(row))
      const views = (some: readonly ReplicaVitals[], isServing: boolean) =>
        some.map((row) => ({ ...row, isServing }))
      return { at, replicas: [...views(serving, true), ...views(silent, false)] }
    },
    async keys(by) {
      requireAuthority(by, 'operations.get')
      const now = clock.monotonicMs()
      if (held === null || now - held.since > keysHeldMs) {
        const keys = readKeys()
        held = { since: now, keys }
        // One that failed is not kept; one that takes long is still shared.
        keys.catch(() => {
          held = null
        })
      }
      return await held.keys
    }
  }
}

/** Tells the operator, through the database, what only this process knows. */
export function vitalsNote(
  { db, clock }: Pick<OperationsDeps, 'db' | 'clock'>,
  replicaId: string,
  read: () => Vitals
): Job {
  return {
    name: 'vitals',
    everyMs: 3_000,
    run: () => noteVitals(db, replicaId, read(), clock.now())
  }
}
