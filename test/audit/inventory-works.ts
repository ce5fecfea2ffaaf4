import { expect } from 'vitest'
import type { AuditAction } from '../../src/audit/audit.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { commandLineCall } from '../../src/identity/identity.ts'
import { bearerOf, browserOf, type Cast } from '../matrix/cast.ts'
import type { Case } from '../matrix/plan.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import { platformHost } from '../support/platform.ts'

type Ask = (
  request: Pick<Case, 'method' | 'path' | 'headers'>
) => Promise<{ readonly status: number }>
export type Work = (cast: Cast, ask: Ask) => Promise<unknown>

/** What no single call does, and what stands on record of it, once each. */
export const works: readonly (readonly [string, Work, readonly AuditAction[]])[] = [
  ['an operator comes and goes', operator, ['operator.add', 'operator.remove']],
  ['a sign-in dies', death, ['connection.needs_sign_in', 'grant.refresh']],
  ['a person signs out', signOut, ['connection.delete', 'grant.revoke']],
  ['a key comes from elsewhere', elsewhere, ['service_account.use']],
  ['an incident', incident, ['incident.finish', 'incident.revoke']]
]

async function operator({ platform, bystanders }: Cast) {
  const { operators } = platform.rooms.identity
  await operators.add({ userId: bystanders.own })
  await operators.remove({ userId: bystanders.own })
}

async function death({ platform, tenantIds, tenants, bystanders }: Cast) {
  const grantId = await platform.grant(tenantIds.acme, bystanders.own, tenants.acme.connection)
  platform.world.server.next({ instead: refusals.deadRefreshToken(400) })
  const scope = makeTenantScope(tenantIds.acme, { kind: 'system', id: 'test' }, systemAuthority)
  const rejected = { rejectedGeneration: 1 }
  const asked = platform.rooms.vault.accessToken(scope, grantId, 60_000, rejected)
  await expect(asked).rejects.toMatchObject({ code: 'sign_in_needed' })
}

async function signOut({ platform, placeOf, fabricOf, tenants }: Cast, ask: Ask) {
  const { tenantId, teamId } = placeOf.own
  const { rows, sql } = platform.world
  const userId = await platform.person(tenantId, [[teamId, 'member']])
  await platform.grant(tenantId, userId, tenants.acme.connection)
  const headers = { ...browserOf(await rows.session(tenantId, userId)), host: platformHost }
  const path = `/api/v1/fabrics/${fabricOf.own}/connection`
  const revocations = () => sql(`SELECT 1 FROM audit_events WHERE action = 'grant.revoke'`)
  const before = (await revocations()).length
  expect((await ask({ method: 'DELETE', path, headers })).status).toBe(204)
  await expect.poll(revocations, { timeout: 20_000 }).toHaveLength(before + 1)
}

async function elsewhere({ platform, tenantIds }: Cast, ask: Ask) {
  const id = await platform.serviceAccount(tenantIds.acme)
  const { key } = await platform.serviceKey(tenantIds.acme, id)
  const networks = `UPDATE service_accounts SET allowed_networks = '{192.0.2.0/24}' WHERE id = $1`
  await platform.world.sql(networks, [id])
  const headers = { ...bearerOf(key), host: platformHost }
  expect((await ask({ method: 'GET', path: '/api/v1/fabrics', headers })).status).toBe(403)
}

async function incident({ platform, tenantIds, bystanders }: Cast) {
  const target = { kind: 'user', id: bystanders.own } as const
  const input = { confirm: 'acme', target }
  const { incidents } = platform.rooms.identity
  await incidents.revoke(commandLineCall, tenantIds.acme, input, () => undefined)
}
