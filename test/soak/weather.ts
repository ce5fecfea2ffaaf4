import { asId } from '../../src/base/ids.ts'
import { refreshTokenPlace } from '../../src/vault/refresh-projection.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import type { VaultWorld } from '../support/vault-world.ts'
import type { Dice } from './dice.ts'
import type { Findings } from './findings.ts'
import type { Fleet } from './fleet.ts'
import type { SoakProvider } from './provider.ts'
import type { Tenant } from './world.ts'

interface Sky {
  readonly world: VaultWorld
  readonly fleet: Fleet
  readonly providers: readonly SoakProvider[]
  readonly tenants: readonly Tenant[]
  readonly findings: Findings
  readonly nowMs: () => number
}

const networkFaults = { latency: 30, drop: 12, refuse: 15, reset: 15, pause: 20, half_close: 8 }

/** One fault of a proxy from its beginning to its end; connections that lost bytes do not live on. */
async function breakNetwork(
  proxy: FaultProxy,
  kind: keyof typeof networkFaults,
  dice: Dice,
  signal: AbortSignal
): Promise<void> {
  if (kind === 'pause') {
    proxy.pause()
    await dice.pause(500, 5_000, signal)
    return proxy.resume()
  }
  if (kind === 'latency') {
    proxy.mode = { kind, ms: dice.int(20, 250) }
    await dice.pause(2_000, 8_000, signal)
    // What is still on its way must not be overtaken.
    proxy.mode = { kind: 'refuse' }
  } else {
    proxy.mode = kind === 'reset' ? { kind: 'reset_after', bytes: dice.int(0, 4_000) } : { kind }
    await dice.pause(500, 4_000, signal)
    proxy.mode = { kind: 'refuse' }
  }
  proxy.mode = { kind: 'pass' }
}

/** Before the providers. */
export async function breakProviders(sky: Sky, dice: Dice, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await dice.pause(3_000, 9_000, signal)
    if (signal.aborted) return
    const { proxy, ledger, policy } = dice.pick(sky.providers)
    const kind = dice.weighted(networkFaults)
    sky.findings.fault(`provider ${kind}`, policy.name)
    const span = { fromMs: sky.nowMs(), toMs: Number.POSITIVE_INFINITY }
    ledger.disturb(span)
    await breakNetwork(proxy, kind, dice, signal)
    span.toMs = sky.nowMs()
  }
}

/** Between any one process and Postgres. */
export async function breakDatabases(sky: Sky, dice: Dice, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await dice.pause(3_000, 10_000, signal)
    if (signal.aborted) return
    const { name, proxy, disturb } = sky.fleet.database(dice)
    const kind = dice.weighted(networkFaults)
    sky.findings.fault(`postgres ${kind}`, name)
    const calm = disturb()
    await breakNetwork(proxy, kind, dice, signal)
    calm()
  }
}

export async function endProcesses(sky: Sky, dice: Dice, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await dice.pause(3_000, 10_000, signal)
    if (signal.aborted) return
    await (dice.chance(75) ? sky.fleet.kill(dice) : sky.fleet.restart(dice))
  }
}

const moods = {
  api_down: 20,
  api_forbids: 20,
  tokens_die: 30,
  metadata_down: 10,
  revocation_down: 10,
  sign_in_ended: 25
}

/** What providers do beside their token endpoints. */
export async function upsetProviders(sky: Sky, dice: Dice, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await dice.pause(2_000, 8_000, signal)
    if (signal.aborted) return
    const { server, endedFamilies, origin, policy } = dice.pick(sky.providers)
    const mood = dice.weighted(moods)
    sky.findings.fault(mood, policy.name)
    server.deadTokenAnswer = dice.pick([401, 403, 400] as const)
    if (mood === 'tokens_die') server.books.killAccessTokens()
    if (mood === 'api_down') server.apiAnswer = refusals.unavailable(dice.pick([500, 502, 503]))
    if (mood === 'api_forbids') server.apiAnswer = { status: 403, body: forbids }
    if (mood === 'metadata_down') server.metadataStatus = 503
    if (mood === 'revocation_down') server.revocationStatus = 503
    if (mood === 'sign_in_ended') {
      const token = await someToken(sky, origin, dice)
      if (token === null) continue
      endedFamilies.add(server.books.familyOf(token) ?? '')
      server.books.revoke(token)
    }
    await dice.pause(500, 3_000, signal)
    server.apiAnswer = null
    server.metadataStatus = 200
    server.revocationStatus = 200
  }
}

const forbids = {
  error_code: 'PERMISSION_DENIED',
  message: 'User has no CAN QUERY on the endpoint'
}

/** The stored refresh token of somebody who is signed in at this provider. */
async function someToken(
  { world, tenants }: Sky,
  origin: string,
  dice: Dice
): Promise<string | null> {
  const rows = await world.sql<{ id: string; tenant_id: string; sealed: string }>(
    `SELECT g.id, g.tenant_id, t.refresh_token_sealed AS sealed
       FROM grants g JOIN grant_tokens t ON t.grant_id = g.id
      WHERE g.kind = 'user' AND g.state = 'active' AND g.workspace_origin = $1 ORDER BY g.id`,
    [origin]
  )
  if (rows.length === 0) return null
  const row = dice.pick(rows)
  const scope = tenants.find(({ tenantId }) => tenantId === row.tenant_id)?.scope
  if (scope === undefined) return null
  const place = refreshTokenPlace(asId('grant', row.id))
  return (await world.own.strongbox.open(scope, place, row.sealed)).reveal()
}
