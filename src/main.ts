/**
 * Owns: the process – environment, arguments, signals, exit; makes the real clock, pools, key wraps, log.
 * Touches: everything, once, at start and at the end.
 * Never: decides anything about a request.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import pino from 'pino'
import { buildApp } from './app.ts'
import type { AuditHead } from './audit/anchors.ts'
import { createAudit } from './audit/audit.ts'
import { followingClock, systemClock } from './base/clock.ts'
import { AppError } from './base/errors.ts'
import { watchEventLoop } from './base/event-loop.ts'
import { letBuffersPass } from './base/passing-buffers.ts'
import type { Tracer } from './base/trace.ts'
import type { CommandRooms, ProcessDeeds } from './commands/command.ts'
import { type CommandEnd, readCommandLine } from './commands/commands.ts'
import { type Config, parseConfig } from './config/config.ts'
import { ConfigError, describeFaults } from './config/config-error.ts'
import { keyRingOf } from './crypto/key-ring.ts'
import { openDoors, startTracing } from './doors.ts'
import { buildAdminApp } from './http/admin.ts'
import { createRequestMeasures } from './http/metrics/requests.ts'
import { createDeparture } from './http/plugins/closing.ts'
import { createLoginMetadata } from './identity/login-metadata.ts'
import { examine, type Finding } from './jobs/examination.ts'
import { clockSync } from './jobs/jobs.ts'
import { createKeyRotation } from './jobs/key-rotation.ts'
import { createLogLines } from './log-lines.ts'
import { createAuthorizationServers } from './oauth/authorization-server.ts'
import { buildRooms, type Rooms } from './rooms.ts'
import { credentialsOf } from './store/connection.ts'
import { createDb, type Db } from './store/db.ts'
import { migrate } from './store/migrations.ts'
import { createWrappedKeys } from './vault/wrapped-keys.ts'

const drainDeadlineMs = 25_000

type RunCommand = (rooms: CommandRooms) => Promise<CommandEnd>

const version = versionOf(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

async function main(args: string[]): Promise<number> {
  const invocation = readCommandLine(args, version)
  if (invocation === null) return await serve(readConfig())
  if ('end' in invocation) return finish(invocation.end)
  if ('act' in invocation) return finish(await invocation.act(deeds))
  return await runCommand(readConfig(), invocation.run)
}

const deeds: ProcessDeeds = {
  checkConfig: () => void readConfig(),
  migrate: () => migrateNow(readConfig()),
  examine: (origins) => examineAll(readConfig(), origins)
}

function readConfig(): Config {
  return parseConfig(process.env, (path) => readFileSync(path, 'utf8'))
}

async function serve(config: Config): Promise<number> {
  letBuffersPass()
  // Its pipe is one that is not waited for, from the moment on that somebody asks for it.
  const lines = createLogLines(process.stdout.fd)
  process.on('exit', lines.end)
  const logger = pino({ level: config.logLevel, base: null }, lines)
  const tracing = await startTracing(config, version)
  const { parts, rooms, check, close } = await open(config, logger, tracing?.tracer ?? null)
  const slowClients = { bodies: 0, readers: 0 }
  const departure = createDeparture(parts.clock.monotonicMs)
  const requests = createRequestMeasures()
  // The routes are made while the database is waited for.
  const standingUp = standUp(config, rooms, check)
  const building = buildApp({
    ...rooms,
    slowClients,
    publicUrl: config.publicUrl,
    otherPublicUrls: config.otherPublicUrls,
    fabricDomain: config.fabricDomain,
    trustedProxies: config.trustedProxies,
    readiness: rooms.standing.check,
    departure,
    requests,
    tracer: parts.tracer,
    logger,
    clock: parts.clock,
    newRequestId: () => randomUUID()
  })
  const [made, app] = await Promise.all([standingUp, building])
  parts.db.watch()
  const admin = await buildAdminApp({
    ...rooms,
    version,
    slowClients,
    requests,
    lagMs: parts.lagMs,
    database: parts.db.load,
    vault: rooms.vault.measures,
    jobs: rooms.clockwork.records,
    keys: rooms.keyCustody.state,
    ahead: rooms.refreshAhead.status,
    streams: rooms.courier.standing,
    spans: tracing?.counts ?? null
  })
  await admin.listen({ host: config.adminHost, port: config.adminPort })
  await app.listen({ host: '0.0.0.0', port: config.port })
  rooms.clockwork.start()
  logger.info(
    {
      url: config.publicUrl,
      port: portOf(app),
      adminPort: portOf(admin),
      loginRedirectUri: made?.redirectUri
    },
    'ready'
  )
  const { signal, again } = await nextSignal()
  logger.info({ signal }, 'closing')
  const deadline = setTimeout(() => process.exit(1), drainDeadlineMs)
  await departure.announce(again)
  await app.close()
  await admin.close()
  await rooms.close()
  await rooms.clockwork.stop()
  await rooms.keyCustody.leave().catch(() => undefined)
  const { size, dropped } = rooms.records
  if (size + dropped > 0) logger.error({ records: size + dropped }, 'records of calls are lost')
  await close()
  await tracing?.close()
  clearTimeout(deadline)
  logger.info('closed')
  return 0
}

/** What must hold before anybody is served. @returns the login provider that was made, if it was */
async function standUp(config: Config, rooms: Rooms, check: () => Promise<void>) {
  await check()
  await rooms.keyCustody.turn()
  const { login, tenantSlug } = config.bootstrap
  return (await rooms.bootstrap.ensureBootstrap({ tenantSlug, login })).login
}

/** The rooms on a database that is yet to be checked; nothing listens yet. */
async function open(config: Config, logger: pino.Logger, tracer: Tracer | null = null) {
  if (process.execArgv.some((arg) => arg.startsWith('--inspect'))) {
    throw new ConfigError([{ variable: 'NODE_OPTIONS', message: 'the inspector must be off' }])
  }
  if (config.ownerDatabaseUrl !== null) {
    logger.info({ applied: await migrateNow(config) }, 'database is up to date')
  }
  const db = createDb({ url: config.databaseUrl })
  const clock = followingClock(systemClock())
  const check = async () => {
    await checkRole(db)
    await db.assertSchemaIsCurrent()
    await clockSync(db, clock).run()
  }
  const doors = openDoors(config, clock)
  const { outbound, loginOutbound, webhookOutbound, otlpLogs, readKeys } = doors
  const keyRing = keyRingOf(readKeys())
  const onJobFailure = (job: string, error: unknown) =>
    logger.error({ job, ...faultOf(error) }, 'job failed')
  const onStanding = (isReady: boolean, degraded: readonly string[]) =>
    logger[isReady && degraded.length === 0 ? 'info' : 'warn']({ isReady, degraded }, 'standing')
  const onAuditHead = (head: AuditHead) => logger.info(head, 'audit head')
  const lagMs = watchEventLoop(clock)
  const parts = {
    config,
    db,
    keyRing,
    readKeys: config.keyRingFile === null ? null : readKeys,
    replica: { id: randomUUID(), host: hostname(), version },
    outbound,
    loginOutbound,
    webhookOutbound,
    otlpLogs,
    clock,
    lagMs,
    onJobFailure,
    onStanding,
    tracer,
    onAuditHead
  }
  const rooms: Rooms = buildRooms(parts)
  const close = async () => {
    await doors.close()
    await db.close()
  }
  return { parts, rooms, check, close }
}

async function examineAll(config: Config, origins: readonly string[]): Promise<Finding[]> {
  const clock = systemClock()
  const doors = openDoors(config, clock)
  const db = createDb({ url: config.databaseUrl })
  const keyRing = keyRingOf(doors.readKeys())
  const wrappedKeys = createWrappedKeys(db, keyRing, createAudit(db, clock))
  const { login } = config.bootstrap
  const metadata = createLoginMetadata(doors.loginOutbound, clock)
  const findings = await examine(
    {
      databaseUrl: config.databaseUrl,
      db,
      clock,
      servers: createAuthorizationServers(doors.outbound, clock),
      wrappedKeys,
      keyRotation: createKeyRotation({ db, clock, keyRing, wrappedKeys }),
      reachLogin: login && (async () => void (await (await metadata.anew(oidcAt(login))).keys()))
    },
    origins
  )
  await doors.close()
  await db.close()
  return findings
}

function oidcAt({ issuer }: { readonly issuer: string }) {
  return { id: 'doctor', kind: 'oidc' as const, issuer }
}

function versionOf(manifest: string): string {
  const { version }: { version: string } = JSON.parse(manifest)
  return version
}

function faultOf(error: unknown) {
  const fault = error instanceof Error ? error.name : 'unknown'
  return error instanceof AppError ? { fault, code: error.code, note: error.note } : { fault }
}

async function checkRole(db: Db): Promise<void> {
  const faults = await db.roleFaults()
  if (faults.length === 0) return
  throw new ConfigError(
    faults.map((fault) => ({
      variable: 'WEFT_DATABASE_URL',
      message: `its role ${fault}; use a role that row-level security binds`
    }))
  )
}

async function migrateNow(config: Config): Promise<readonly string[]> {
  if (config.ownerDatabaseUrl === null) {
    const message = 'needed to migrate'
    throw new ConfigError([{ variable: 'WEFT_OWNER_DATABASE_URL', message }])
  }
  return await migrate(config.ownerDatabaseUrl, credentialsOf(config.databaseUrl))
}

async function runCommand(config: Config, run: RunCommand): Promise<number> {
  const { rooms, check, close } = await open(config, pino({ level: 'silent' }))
  await check()
  await rooms.keyCustody.check()
  const tell = (step: string) => void process.stderr.write(`${step}\n`)
  const readInput = () => text(process.stdin)
  const readFile = (path: string) => readFileSync(path, 'utf8')
  const end = await run({ ...rooms, tell, readInput, readFile })
  await rooms.close()
  await close()
  return finish(end)
}

function finish({ code, out, err }: CommandEnd): number {
  process.stdout.write(out)
  process.stderr.write(err)
  return code
}

function portOf(app: { server: { address(): unknown } }): number {
  const address = app.server.address()
  const isBound = typeof address === 'object' && address !== null && 'port' in address
  return isBound ? Number(address.port) : 0
}

/** Resolves with the first signal; a later one is a hurry, and never the end of what is being finished. */
function nextSignal(): Promise<{ signal: string; again: AbortSignal }> {
  const hurry = new AbortController()
  return new Promise((resolve) => {
    let isFirst = true
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (!isFirst) hurry.abort()
        isFirst = false
        resolve({ signal, again: hurry.signal })
      })
    }
  })
}

try {
  // The migration engine leaves a timer behind that would hold a finished command up.
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${describe(error)}\n`)
  process.exit(1)
}

function describe(error: unknown): string {
  if (error instanceof ConfigError) return describeFaults(error)
  if (error instanceof AppError) return `Weft does not start: ${error.note ?? error.message}`
  // A foreign error's message can hold a URL with a password in it; its name and place cannot.
  return error instanceof Error
    ? `Weft does not start: ${error.name}\n${error.stack?.split('\n').slice(1).join('\n')}`
    : 'Weft does not start'
}
