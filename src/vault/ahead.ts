import { AppError } from '../base/errors.ts'
import type { GrantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { findAppConnection } from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import { findGrant, findGrantToken } from '../store/grants.ts'
import {
  type DueGrantRow,
  findRefreshSchedule,
  putOffRefresh,
  takeDueGrants
} from '../store/refresh-schedule.ts'
import { signInLifeOf } from './grant-status.ts'
import { factsOf } from './held-grants.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { type PlanFacts, planRefresh } from './refresh-plan.ts'

/** How a look at a grant that was due went. */
export type Renewal =
  | 'renewed'
  /** Nothing is to be done yet, or not until it is used again. */
  | 'put_off'
  /** The provider's or an admin's word stands against it; what it is stands in the grant's state. */
  | 'refused'
  /** The provider can't be reached, is out of order, or throttles. */
  | 'provider_away'
  /** Our own side: the database, a key. It comes due again. */
  | 'failed'

export interface DueWish {
  readonly limit: number
  readonly perHost: number
  readonly exceptOrigins: readonly string[]
}

/** What the clockwork asks for to renew tokens before anybody waits for them. */
export interface Ahead {
  /** Takes grants that are due as nobody else's for two minutes. */
  takeDue(scope: TenantScope, wish: DueWish): Promise<DueGrantRow[]>
  /** Looks at a grant that was taken, and renews its token where that is due. Never throws an AppError. */
  renewAhead(scope: TenantScope, grantId: GrantId): Promise<Renewal>
  /** Writes which grants were used. */
  flushUses(): Promise<void>
}

const takenForMs = 120_000

type Join = (scope: TenantScope, grantId: GrantId, generation: number) => Promise<void>

export function createAhead(
  { db, clock }: Pick<RefreshDeps, 'db' | 'clock'>,
  refresh: Join
): Omit<Ahead, 'flushUses'> {
  /** @returns the generation to be spent; null: not now */
  async function plan(tx: Tx, grantId: GrantId): Promise<number | null> {
    const facts = await readFacts(tx, grantId)
    if (facts === null) return null
    const planned = planRefresh(facts, clock.now())
    if (planned.kind === 'renew') return facts.generation
    await putOffRefresh(tx, grantId, planned.until)
    return null
  }

  return {
    async takeDue(scope, wish) {
      const now = clock.now()
      const until = new Date(now.getTime() + takenForMs)
      return await db.inTenant(scope, (tx) => takeDueGrants(tx, { ...wish, now, until }))
    },
    async renewAhead(scope, grantId) {
      try {
        const generation = await db.inTenant(scope, (tx) => plan(tx, grantId))
        if (generation === null) return 'put_off'
        await refresh(scope, grantId, generation)
        return 'renewed'
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        return renewalOf(error)
      }
    }
  }
}

function renewalOf({ owner }: AppError): Renewal {
  if (owner === 'upstream') return 'provider_away'
  return owner === 'platform' ? 'failed' : 'refused'
}

async function readFacts(tx: Tx, grantId: GrantId): Promise<PlanFacts | null> {
  const grant = await findGrant(tx, grantId)
  const token = await findGrantToken(tx, grantId)
  const schedule = await findRefreshSchedule(tx, grantId)
  if (grant === null || token === null || schedule === null) return null
  const { appConnectionId } = grant
  const connection = appConnectionId === null ? null : await findAppConnection(tx, appConnectionId)
  return {
    ...factsOf(grant, token),
    ...signInLifeOf(grant, token, connection),
    usedAt: schedule.usedAt
  }
}
