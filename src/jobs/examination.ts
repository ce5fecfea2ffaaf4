import type { Clock } from '../base/clock.ts'
import { AppError, type ProblemCode } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { AuthorizationServers } from '../oauth/authorization-server.ts'
import type { Db } from '../store/db.ts'
import {
  type DatabaseAway,
  type DatabaseExamination,
  examineDatabase
} from '../store/examination.ts'
import type { WrappedKeys } from '../vault/wrapped-keys.ts'
import type { KeyRotation } from './key-rotation.ts'
import { listWorkspaces, reachWorkspace, type Workspace } from './workspace-reach.ts'

/** What one check of the whole found. */
export interface Finding {
  /** Such as `database` or `row_level_security`. */
  readonly check: string
  readonly status: 'passed' | 'warned' | 'failed' | 'skipped'
  /** What was found. */
  readonly detail: string
  /** What to do about it; null where there is nothing to do. */
  readonly remedy: string | null
}

export interface ExaminationDeps {
  readonly databaseUrl: Secret
  readonly db: Db
  /** The machine's own: it is compared with the database's. */
  readonly clock: Clock
  readonly servers: AuthorizationServers
  readonly keyRotation: Pick<KeyRotation, 'status'>
  readonly wrappedKeys: Pick<WrappedKeys, 'proves'>
  /** Fetches the metadata of the login issuer that the environment names; null: it names none. */
  readonly reachLogin: (() => Promise<void>) | null
}

const oldestPostgres = 15
const skewWarnedMs = 2_000
const connectionsWarned = 0.8
const workspacesMax = 20

/** Looks at everything that Weft stands on, in the order in which one thing needs another; changes nothing. */
export async function examine(
  deps: ExaminationDeps,
  origins: readonly string[]
): Promise<Finding[]> {
  const { databaseUrl, clock } = deps
  const found = await examineDatabase(databaseUrl, clock)
  const login = await examineLogin(deps)
  if ('fault' in found) {
    const untried = ['schema', 'role', 'row_level_security', 'audit_trail', 'clock', 'key_ring']
    const rest = untried.map((check) => skipped(check, 'needs the database'))
    return [awayFinding(found), ...rest, login, ...(await examineWorkspaces(deps, origins, false))]
  }
  const isCurrent = found.missingMigrations.length === 0
  return [
    ...databaseFindings(found),
    clockFinding(found),
    ...(isCurrent ? await examineKeys(deps) : [skipped('key_ring', 'needs the whole schema')]),
    login,
    ...(await examineWorkspaces(deps, origins, isCurrent))
  ]
}

const remediesByFault: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'start Postgres, or mend host and port in WEFT_DATABASE_URL',
  ENOTFOUND: 'mend the host in WEFT_DATABASE_URL, or the resolver',
  EAI_AGAIN: 'mend the resolver',
  ETIMEDOUT: 'open the way to it: firewall, network policy, pooler',
  '28P01':
    'mend the password in WEFT_DATABASE_URL; `weft migrate` makes the role where it is missing',
  '28000': 'let this role and address in (pg_hba.conf), or ask for TLS with sslmode in the URL',
  '3D000': 'make the database, or mend its name in WEFT_DATABASE_URL',
  '53300': 'raise max_connections, or put PgBouncer in front'
}

function awayFinding({ fault }: DatabaseAway): Finding {
  const remedy = remediesByFault[fault] ?? 'look into the log of Postgres'
  return failed('database', `does not let Weft in (${fault})`, remedy)
}

function databaseFindings(found: DatabaseExamination): Finding[] {
  const { version, connections, missingMigrations, role, unguardedTables, auditRights } = found
  const { used, max } = connections
  const ms = Math.round(found.roundTripMs)
  const facts = `PostgreSQL ${version}, answers in ${ms} ms, ${used} of ${max} connections used`
  return [
    databaseFinding(found, facts),
    missingMigrations.length === 0
      ? passed('schema', 'has every migration of this version')
      : failed('schema', `lacks ${missingMigrations.join(', ')}`, 'run `weft migrate`'),
    role.length === 0
      ? passed('role', 'owns nothing and cannot bypass row-level security')
      : failed(
          'role',
          role.join(', '),
          'name a lesser role in WEFT_DATABASE_URL; `weft migrate` makes it'
        ),
    unguardedTables.length === 0
      ? passed('row_level_security', 'is enabled, forced and has a policy on every table')
      : failed(
          'row_level_security',
          `does not guard ${unguardedTables.join(', ')}`,
          'shut Weft off until it does: somebody has altered the schema'
        ),
    auditRights.length === 0
      ? passed('audit_trail', 'can be read and added to, and not altered')
      : failed('audit_trail', `the role has ${auditRights.join(', ')}`, 'run `weft migrate`')
  ]
}

function databaseFinding(found: DatabaseExamination, facts: string): Finding {
  const { versionNumber, isReadOnly, connections } = found
  if (versionNumber < oldestPostgres * 10_000) {
    return failed('database', facts, `Weft needs PostgreSQL ${oldestPostgres} or newer`)
  }
  if (isReadOnly) return failed('database', `${facts}; takes no writes`, 'name the primary')
  return connections.used > connections.max * connectionsWarned
    ? warned('database', facts, 'raise max_connections, or put PgBouncer in front')
    : passed('database', facts)
}

function clockFinding({ skewMs }: DatabaseExamination): Finding {
  const facts = `the database’s clock is ${(skewMs / 1_000).toFixed(1)} s from this machine’s`
  return Math.abs(skewMs) > skewWarnedMs
    ? warned(
        'clock',
        facts,
        'Weft goes by the database’s; keep both right by NTP, or tokens end early'
      )
    : passed('clock', facts)
}

async function examineKeys({ keyRotation, wrappedKeys }: ExaminationDeps): Promise<Finding[]> {
  const { keys, replicas, sealingKid } = await keyRotation.status()
  const lost = keys.filter(({ isInRing, wraps }) => !isInRing && wraps > 0)
  const lagging = keys.filter(({ missingOn }) => missingOn.length > 0)
  const unproven: string[] = []
  for (const { kid, isInRing } of keys) {
    if (isInRing && (await wrappedKeys.proves(null, kid)) === false) unproven.push(kid)
  }
  const alive = passed('replicas', `${replicas.length} serve`)
  const nameOf = (one: (typeof keys)[number]) =>
    `${one.kid} (fingerprint ${one.fingerprint ?? 'unknown'}, wraps ${one.wraps})`
  if (lost.length > 0) {
    const detail = `lacks ${lost.map(nameOf).join(', ')}`
    return [failed('key_ring', detail, 'put it back into the ring; without it that is lost'), alive]
  }
  if (unproven.length > 0) {
    const remedy = 'the key of that name is another than it was: put the right one into the ring'
    return [failed('key_ring', `${unproven.join(', ')} opens nothing`, remedy), alive]
  }
  if (lagging.length > 0) {
    const detail = lagging.map(
      ({ kid, missingOn }) => `${kid} is missing on ${missingOn.join(', ')}`
    )
    return [warned('key_ring', detail.join('; '), 'give every replica the same ring'), alive]
  }
  const seals = sealingKid === null ? 'nothing is sealed yet' : `${sealingKid} seals`
  return [passed('key_ring', `${seals}; every key that wraps something is there`), alive]
}

async function examineLogin({ reachLogin }: ExaminationDeps): Promise<Finding> {
  if (reachLogin === null) return skipped('identity_provider', 'WEFT_LOGIN_ISSUER names none')
  const fault = await reachLogin().then(
    () => null,
    (error: unknown) => error
  )
  if (fault === null) return passed('identity_provider', 'its metadata and keys are there')
  if (!(fault instanceof AppError)) throw fault
  return failed('identity_provider', `${fault.code}: ${fault.message}`, remedyOf(fault.code))
}

async function examineWorkspaces(
  { db, servers }: ExaminationDeps,
  origins: readonly string[],
  isSchemaCurrent: boolean
): Promise<Finding[]> {
  const named: Workspace[] = origins.map((origin) => ({ provider: 'databricks', origin }))
  const ofFabrics = isSchemaCurrent ? await listWorkspaces(db, workspacesMax) : []
  const all = new Map([...named, ...ofFabrics].map((workspace) => [workspace.origin, workspace]))
  if (all.size === 0) {
    return [skipped('workspace', 'no fabric names one; try one with `weft doctor https://…`')]
  }
  const reaches = await Promise.all([...all.values()].map((one) => reachWorkspace(servers, one)))
  return reaches.map(({ origin, fault }) =>
    fault === null
      ? passed('workspace', `${origin} is reached and has OAuth metadata`)
      : failed('workspace', `${origin}: ${fault.code}: ${fault.detail}`, remedyOf(fault.code))
  )
}

const remedies: Partial<Record<ProblemCode, string>> = {
  dns_failed: 'mend the name, or the resolver of this machine',
  tls_failed: 'something on the way shows another certificate: a proxy that inspects TLS?',
  workspace_unreachable: 'open the way out: firewall, egress policy, private link',
  upstream_timeout: 'open the way out: firewall, egress policy, private link',
  host_not_allowed:
    'only the provider’s zones are allowed; name another exact origin in WEFT_EXTRA_WORKSPACE_ORIGINS',
  oauth_not_enabled: 'is this a workspace’s address? An account admin may have OAuth shut off',
  discovery_failed: 'ask again later; then look at what stands in between'
}

function remedyOf(code: ProblemCode): string {
  return remedies[code] ?? 'look at what stands in between'
}

function passed(check: string, detail: string): Finding {
  return { check, status: 'passed', detail, remedy: null }
}

function skipped(check: string, detail: string): Finding {
  return { check, status: 'skipped', detail, remedy: null }
}

function warned(check: string, detail: string, remedy: string): Finding {
  return { check, status: 'warned', detail, remedy }
}

function failed(check: string, detail: string, remedy: string): Finding {
  return { check, status: 'failed', detail, remedy }
}
