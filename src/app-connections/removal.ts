import { AppError } from '../base/errors.ts'
import {
  type AppConnectionRow,
  deleteAppConnection,
  findAppConnection
} from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import type { Vault } from '../vault/vault.ts'
import type { AppConnections } from './app-connections.ts'
import { namesOf, usageOf } from './usage.ts'
import type { VerificationDeps } from './verification-plan.ts'

const openingMaxMs = 5_000
const revokingMaxMs = 5_000

/** Deleting in two strokes: what would end is told first, and ended only when that is asked for. */
export function createRemoval(
  deps: Pick<VerificationDeps, 'db' | 'audit'> & { vault: Pick<Vault, 'prepareRevocations'> }
): Pick<AppConnections, 'remove' | 'usage'> {
  const { db, audit, vault } = deps

  return {
    usage: (scope, id) => db.inTenant(scope, async (tx) => usageOf(tx, await mustFind(tx, id))),

    async remove(scope, id, { endSignIns }) {
      const object = ['app_connection', id] as const
      const check = async (tx: Tx) => {
        const row = await mustFind(tx, id)
        return await refuseWhileUsed(tx, row, endSignIns)
      }
      const signIns = await db.inTenant(scope, check)
      const wanted = { appConnectionId: id }
      const revokeAll =
        signIns > 0 ? await vault.prepareRevocations(scope, openingMaxMs, wanted) : null
      await db.inTenant(scope, async (tx) => {
        const ended = await check(tx)
        await deleteAppConnection(tx, id)
        await audit.append(tx, {
          action: 'app_connection.delete',
          object,
          details: { signIns: ended }
        })
      })
      if (revokeAll === null) return
      const { revoked, notRevoked } = await revokeAll(revokingMaxMs)
      const outcome = notRevoked === 0 ? 'succeeded' : 'failed'
      const details = { revoked, notRevoked }
      await audit.record(scope, [{ action: 'grant.revoke', object, outcome, details }])
    }
  }
}

/** @returns how many sign-ins end @throws AppError `conflict` naming what must change, or be agreed to, first */
async function refuseWhileUsed(
  tx: Tx,
  row: AppConnectionRow,
  endSignIns: boolean
): Promise<number> {
  const { fabrics, signIns, people } = await usageOf(tx, row)
  const named = fabrics.filter(({ isByDefault }) => !isByDefault)
  if (named.length > 0) {
    const detail = `Choose another app connection for ${namesOf(named)} first`
    throw new AppError('conflict', { detail })
  }
  if (endSignIns || (signIns === 0 && fabrics.length === 0)) return signIns
  const ends = [
    ...(signIns > 0 ? [`${signIns} sign-ins of ${people} people would end`] : []),
    ...(fabrics.length > 0 ? [`${namesOf(fabrics)} would be left without an app connection`] : [])
  ]
  const detail = `${ends.join('; ')}. Repeat with ?endSignIns=true to do so`
  throw new AppError('conflict', { detail })
}

export async function mustFind(tx: Tx, id: string): Promise<AppConnectionRow> {
  const row = await findAppConnection(tx, id)
  if (row === null) throw new AppError('not_found')
  return row
}
