import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../base/errors.ts'
import { type GrantId, newId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { packRawAnswer, type RawAnswer } from '../oauth/raw-answer.ts'
import {
  claimGrantToken,
  claimOn,
  findGrantToken,
  type GrantRow,
  type GrantTokenRow,
  lockGrant,
  releaseGrantToken
} from '../store/grants.ts'
import {
  answerRefreshEntry,
  closeRefreshEntry,
  listUnclearEntries,
  openRefreshEntry
} from '../store/refresh-journal.ts'
import { insist } from './insistence.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import type { Place } from './strongbox.ts'

/**
 * How long a claim holds, milliseconds: longer than the provider's deadline for every client secret that may
 * have to be tried, than keeping the answer takes, and than clocks differ.
 */
export const refreshLeaseMs = 45_000

/** The right to spend one generation of a grant, held by one owner until the lease runs out. */
export interface Claim {
  readonly grant: GrantRow
  readonly token: GrantTokenRow
  readonly owner: string
  readonly entryId: string
  readonly grantId: string
  readonly generation: number
  /** The raw answer, sealed, that an owner who died left in the entry. */
  readonly leftBehind: string | null
  /** How often this generation was spent, perhaps: no answer came, or the owner died first. */
  readonly unclear: { readonly unknown: number; readonly abandoned: number }
}

export const answerPlace = (entryId: string): Place => ['refresh_journal', entryId, 'answer']

/**
 * First step: lease and journal, in one transaction.
 * @returns `moved` when the generation is spent already, `busy` when another holds the claim
 */
export async function claimGrant(
  deps: RefreshDeps,
  scope: TenantScope,
  grantId: GrantId,
  generation: number
): Promise<Claim | 'moved' | 'busy'> {
  const claim = { grantId, generation, owner: randomUUID() }
  const freshEntryId = newId('refreshEntry', deps.clock)
  let mayStand = false
  const onWritten = () => {
    mayStand = true
  }
  try {
    return await tryClaim(deps, scope, claim, freshEntryId, onWritten)
  } catch (error) {
    // The database may have taken it and could not say so. Nothing was sent, and nobody else can know.
    if (mayStand) await letGo(deps, scope, claim, freshEntryId).catch(() => undefined)
    throw error
  }
}

type ClaimKey = Pick<Claim, 'generation' | 'owner'> & { readonly grantId: GrantId }

function tryClaim(
  { db, clock }: RefreshDeps,
  scope: TenantScope,
  claim: ClaimKey,
  freshEntryId: string,
  /** All is written; the commit follows. */
  onWritten: () => void
): Promise<Claim | 'moved' | 'busy'> {
  const { grantId, generation } = claim
  return db.inTenant(scope, async (tx) => {
    const grant = await lockGrant(tx, grantId)
    // Another replica has just tried in vain: its setback counts for us too.
    const isTried = grant?.nextTryAt && grant.nextTryAt > clock.now()
    if (grant === null || isTried) return 'moved'
    const token = await claimGrantToken(tx, { ...claim, leaseMs: refreshLeaseMs })
    if (token === null) {
      return (await findGrantToken(tx, grantId))?.generation === generation ? 'busy' : 'moved'
    }
    const entries = await listUnclearEntries(tx, grantId, generation)
    const stale = entries.find(({ outcome }) => outcome === null)
    const isSame = stale?.generation === generation
    if (isSame && stale.answerSealed !== null) {
      onWritten()
      const { id: entryId, answerSealed: leftBehind } = stale
      return { ...claim, grant, token, entryId, leftBehind, unclear: { unknown: 0, abandoned: 0 } }
    }
    if (stale !== undefined) {
      const outcome = isSame ? 'abandoned' : 'superseded'
      await closeRefreshEntry(tx, stale.id, { outcome, finishedAt: clock.now() })
    }
    await openRefreshEntry(tx, { ...claim, id: freshEntryId, startedAt: clock.now() })
    const endedAs = (wanted: string) => entries.filter(({ outcome }) => outcome === wanted).length
    const unclear = {
      unknown: endedAs('unknown'),
      abandoned: endedAs('abandoned') + (isSame ? 1 : 0)
    }
    onWritten()
    return { ...claim, grant, token, entryId: freshEntryId, leftBehind: null, unclear }
  })
}

/** As long as an outage may last that the lease outlives. */
const letGoDelaysMs = [200, 500, 1_000, 2_000, 4_000]

/** Of a claim under which nothing was sent. */
export async function letGo(
  { db, clock }: RefreshDeps,
  scope: TenantScope,
  claim: Pick<Claim, 'grantId' | 'generation' | 'owner'>,
  entryId: string
): Promise<void> {
  const end = { outcome: 'transient' as const, finishedAt: clock.now() }
  await insist(
    () =>
      db.inTenant(scope, async (tx) => {
        await lockGrant(tx, claim.grantId)
        if (await releaseGrantToken(tx, claim)) await closeRefreshEntry(tx, entryId, end)
      }),
    letGoDelaysMs
  )
}

/**
 * Of a claim that its owner cannot bring to an end: the next one goes on with what lies in the journal as if the owner
 * had died, and need not wait for the lease to run out. Nobody waits for it: the database may be away.
 */
export function abandonClaim({ db }: RefreshDeps, scope: TenantScope, claim: Claim): void {
  const release = () =>
    db.inTenant(scope, async (tx) => {
      await lockGrant(tx, claim.grantId)
      await releaseGrantToken(tx, claim)
    })
  insist(release, letGoDelaysMs).catch(() => undefined)
}

const pollMinMs = 20
const pollMaxMs = 100

/**
 * Resolves when the claim that another owner holds on this generation has ended, one way or the other, or
 * when this process closes and has no more use for it. Whoever waits in this process waits for this one: it is seen
 * at most a tenth of the time later that the owner took, or `pollMinMs`, and at most `pollMaxMs`.
 */
export async function waitForOwner(
  { db }: RefreshDeps,
  scope: TenantScope,
  { grantId, generation }: { readonly grantId: GrantId; readonly generation: number },
  closing: AbortSignal
): Promise<void> {
  const isHeld = async () => (await db.ask(scope, claimOn(grantId, generation)))[0].length > 0
  for (let waitedMs = 0; !closing.aborted && (await isHeld()); ) {
    const pollMs = Math.min(Math.max(pollMinMs, waitedMs / 10), pollMaxMs)
    await delay(pollMs)
    waitedMs += pollMs
  }
}

/** With the provider's deadline for two client secrets still within the lease. */
const keepDeadlineMs = 20_000

/**
 * Stores the raw answer, sealed, before it is judged; insists, since a rotated token may hang on it. Where the
 * database stays away for too long the answer goes on in memory alone, and its projection is the last chance:
 * giving it up here would lose the token for certain.
 */
export async function keepAnswer(
  { db, strongbox, clock }: RefreshDeps,
  scope: TenantScope,
  { entryId }: Claim,
  answer: RawAnswer
): Promise<void> {
  const answerSealed = await strongbox.seal(scope, answerPlace(entryId), packRawAnswer(answer))
  const deadlineMs = clock.monotonicMs() + keepDeadlineMs
  for (let attempt = 1; clock.monotonicMs() < deadlineMs; attempt += 1) {
    try {
      const answeredAt = clock.now()
      await db.inTenant(scope, (tx) =>
        answerRefreshEntry(tx, entryId, { answerSealed, answeredAt })
      )
      return
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      await delay(Math.min(100 * 2 ** attempt, 2_000))
    }
  }
}
