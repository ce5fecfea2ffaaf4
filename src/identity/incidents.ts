import { setTimeout as delay } from 'node:timers/promises'
import { plusMs } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type IncidentId, newId, type TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Tx } from '../store/db.ts'
import { findFabric } from '../store/fabrics.ts'
import {
  adoptNotRevoked,
  endCredentials,
  endGrants,
  findOpenIncident,
  forgetOldIncidentTokens,
  type IncidentTarget,
  insertIncident,
  listOpenIncidents,
  listTenantsWithIncidents,
  lockTenant,
  noteEnded
} from '../store/incidents.ts'
import { findMembership, noteMemberSessionsEnded } from '../store/memberships.ts'
import { deleteAllSessions, deleteSessionsOfUser } from '../store/sessions.ts'
import { noteSessionsEnded } from '../store/tenant-settings.ts'
import { findTenant } from '../store/tenants.ts'
import { identityScope } from './identity-scope.ts'
import { type IncidentView, readIncident } from './incident-view.ts'
import { type OperatorCall, operatorScope } from './operator-call.ts'
import { createProviderTelling, type IncidentDeps, type TellProgress } from './provider-telling.ts'
import { requireAuthority } from './roles.ts'

export interface IncidentInput {
  /** The tenant's slug, so that a wrong id ends nothing. */
  readonly confirm: string
  /** None: the whole tenant. */
  readonly target?: { readonly kind: 'fabric' | 'user'; readonly id: string } | undefined
}

/** Everything that lets anybody in or act is ended at once: here in one transaction, then at the provider. */
export interface Incidents {
  /**
   * Ends it all here, and begins to tell the provider. Once more does no harm: what came up meanwhile is ended,
   * and what could not be revoked is tried again.
   * @throws AppError `not_found`, `invalid_request`
   */
  begin(by: OperatorCall, id: TenantId, input: IncidentInput): Promise<IncidentView>
  /** The same, and waits until the provider has been told of all, whoever tells it. */
  revoke(
    by: OperatorCall,
    id: TenantId,
    input: IncidentInput,
    tell: TellProgress
  ): Promise<IncidentView>
  /** @throws AppError `not_found` */
  get(by: OperatorCall, id: TenantId, incidentId: IncidentId): Promise<IncidentView>
  /** Goes on with what a process that died left half done. */
  continueIncidents(): Promise<void>
  /** Begins no further revocation, and resolves when those under way have ended. */
  settle(): Promise<void>
}

/** Ten thousand grants take a second or two. */
const endingMaxMs = 120_000
const pollMs = 500
/** For how long what could not be revoked can be tried again. */
const keptMs = 7 * 24 * 3_600_000

export function createIncidents(deps: IncidentDeps): Incidents {
  const { db, audit, clock } = deps
  const telling = createProviderTelling(deps)
  const running = new Map<string, Promise<void>>()

  async function end(scope: TenantScope, input: IncidentInput): Promise<IncidentId> {
    const target: IncidentTarget = input.target ?? { kind: 'tenant', id: scope.tenantId }
    const now = clock.now()
    return await db.inTenant(
      scope,
      async (tx) => {
        await lockTenant(tx)
        await check(tx, input)
        const open = await findOpenIncident(tx, target)
        const id = open === null ? newId('incident', clock) : asId('incident', open.id)
        if (open === null) {
          const { kind: actorKind, id: actorId } = scope.actor
          const of = { targetKind: target.kind, targetId: target.id }
          await insertIncident(tx, { id, ...of, actorKind, actorId, startedAt: now })
        }
        if (target.kind === 'tenant') await adoptNotRevoked(tx, id)
        const ended = {
          ...(await endGrants(tx, id, target)),
          ...(await endCredentials(tx, target, now)),
          sessions: await endSessions(tx, target, now)
        }
        await noteEnded(tx, id, sumOf(open?.ended, ended))
        await audit.append(tx, {
          action: 'incident.revoke',
          object: [target.kind, target.id],
          details: { incident: id, ...ended }
        })
        return id
      },
      endingMaxMs
    )
  }

  /** One at a time in this process; other processes take other portions. */
  function work(scope: TenantScope, id: IncidentId, tell: TellProgress): Promise<void> {
    const current = running.get(id)
    if (current !== undefined) return current
    const run = telling.tellAll(scope, id, tell).finally(() => running.delete(id))
    running.set(id, run)
    return run
  }

  async function begin(by: OperatorCall, id: TenantId, input: IncidentInput) {
    requireAuthority(by, 'incident.revoke')
    const scope = operatorScope(by, id)
    const incidentId = await end(scope, input)
    return { scope, incidentId }
  }

  return {
    async begin(by, id, input) {
      const { scope, incidentId } = await begin(by, id, input)
      // Nobody waits here; what fails goes on with the clockwork.
      work(scope, incidentId, () => undefined).catch(() => undefined)
      return await readIncident(db, scope, incidentId)
    },
    async revoke(by, id, input, tell) {
      const { scope, incidentId } = await begin(by, id, input)
      for (;;) {
        await work(scope, incidentId, tell)
        const view = await readIncident(db, scope, incidentId)
        if (view.finishedAt !== null) return view
        // Another process is at the rest, or died with it.
        await delay(pollMs)
      }
    },
    async get(by, id, incidentId) {
      requireAuthority(by, 'incident.get')
      return await readIncident(db, operatorScope(by, id), incidentId)
    },
    async continueIncidents() {
      const failures: unknown[] = []
      const before = plusMs(clock.now(), -keptMs)
      for (const tenantId of await listTenantsWithIncidents(db, before)) {
        const scope = identityScope(asId('tenant', tenantId), null)
        const open = await db.inTenant(scope, async (tx) => {
          await forgetOldIncidentTokens(tx, before)
          return await listOpenIncidents(tx)
        })
        for (const { id } of open) {
          await work(scope, asId('incident', id), () => undefined).catch((error: unknown) =>
            failures.push(error)
          )
        }
      }
      if (failures.length > 0) throw failures[0]
    },
    async settle() {
      telling.close()
      await Promise.allSettled(running.values())
    }
  }
}

async function check(tx: Tx, { confirm, target }: IncidentInput): Promise<void> {
  const tenant = await findTenant(tx)
  if (tenant === null || tenant.status === 'erasing') throw new AppError('not_found')
  if (tenant.slug !== confirm) throw invalidRequest('/confirm', 'is not the slug of this tenant')
  if (target === undefined) return
  const found =
    target.kind === 'fabric' ? await findFabric(tx, target.id) : await findMembership(tx, target.id)
  if (found === null) throw invalidRequest(`/${target.kind}Id`, 'is not in this tenant')
}

async function endSessions(tx: Tx, { kind, id }: IncidentTarget, now: Date): Promise<number> {
  if (kind === 'fabric') return 0
  if (kind === 'user') {
    await noteMemberSessionsEnded(tx, id, now)
    return await deleteSessionsOfUser(tx, id)
  }
  await noteSessionsEnded(tx, now)
  return await deleteAllSessions(tx)
}

/** What was ended before, and now. */
function sumOf(before: unknown, now: Readonly<Record<string, number>>): Record<string, number> {
  const known = { ...(before as Readonly<Record<string, number>> | undefined) } // as it was noted
  return Object.fromEntries(
    Object.entries(now).map(([name, count]) => [name, count + (known[name] ?? 0)])
  )
}
