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
import { followingClock, systemClock } from './base/clock.ts'
import { AppError } from './base/errors.ts'
import { watchEventLoop } from './base/event-loop.ts'
import { Secret } from './base/secret.ts'
import type { Tracer } from './base/trace.ts'
import type { CommandRooms } from './commands/command.ts'
import { type CommandEnd, commands, helpOf, readCommandLine } from './commands/commands.ts'
import { type Config, parseConfig } from './config/config.ts'
import { ConfigError, describeFaults } from './config/config-error.ts'
import { parseKeyRing } from './config/key-ring.ts'
import { type AzureTokenOptions, azureToken } from './crypto/azure-token.ts'
import { keyRingOf } from './crypto/key-ring.ts'
import type { KeyEncryptionKey } from './crypto/key-wrap.ts'
import { kmsKeyOf } from './crypto/kms.ts'
import { localKey } from './crypto/local-key.ts'
import type { VaultOptions } from './crypto/vault-transit-key.ts'
import { buildAdminApp } from './http/admin.ts'
import { createRequestMeasures } from './http/metrics/requests.ts'
import { createDeparture } from './http/plugins/closing.ts'
import { clockSync } from './jobs/jobs.ts'
import { createOutbound, type Outbound } from './outbound/outbound.ts'
import { buildRooms, type Rooms } from './rooms.ts'
import { credentialsOf } from './store/connection.ts'
import { createDb, type Db } from './store/db.ts'
import { migrate } from './store/migrations.ts'
import type { Tracing } from './tracing/tracing.ts'

const help = `weft – a connection platform for Databricks

  weft                    serve, as the environment says (see .env.example)
  weft config check       report every fault of the environment
  weft migrate            apply migrations and the app role's rights, as WEFT_OWNER_DATABASE_URL
${helpOf(commands)}  weft --help
`

const drainDeadlineMs = 25_000

type RunCommand = (rooms: CommandRooms) => Promise<CommandEnd>

async function main(args: string[]): Promise<number> {
  const invocation = readCommandLine(args)
  if (invocation !== null && 'end' in invocation) return finish(invocation.end)
  if (args.includes('--help') || args.includes('-h')) return say(help)
  const command = args
    .filter((arg) => !arg.startsWith('-'))
    .slice(0, 2)
    .join(' ')
  const config = parseConfig(process.env, (path) => readFileSync(path, 'utf8'))
  if (args.length === 0) return await serve(config)
  if (command === 'config check') return say('The configuration is good.\n')
  if (command === 'migrate') return await migrateNow(config)
  if (invocation !== null) return await runCommand(config, invocation.run)
  process.stderr.write(`weft: no such command\n\n${help}`)
  return 2
}

async function serve(config: Config): Promise<number> {
  const logger = pino({ level: config.logLevel, base: null })
  const tracing = await startTracing(config)
  const { parts, rooms, close } = await open(config, logger, tracing?.tracer ?? null)
  await rooms.keyCustody.turn()
  const { login, tenantSlug } = config.bootstrap
  const { login: made } = await rooms.bootstrap.ensureBootstrap({ tenantSlug, login })
  const slowClients = { bodies: 0, readers: 0 }
  const departure = createDeparture(parts.clock.monotonicMs)
  parts.db.watch()
  const requests = createRequestMeasures()
  const app = await buildApp({
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
  const admin = await buildAdminApp({
    ...rooms,
    version: ownVersion(),
    slowClients,
    requests,
    lagMs: parts.lagMs,
    database: parts.db.load,
    vault: rooms.vault.measures,
    jobs: rooms.clockwork.records,
    keys: rooms.keyCustody.state
  })
  await admin.listen({ host: '127.0.0.1', port: config.adminPort })
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

/** The database as it must be, and the rooms on it; nothing listens yet. */
async function open(config: Config, logger: pino.Logger, tracer: Tracer | null = null) {
  if (process.execArgv.some((arg) => arg.startsWith('--inspect'))) {
    throw new ConfigError([{ variable: 'NODE_OPTIONS', message: 'the inspector must be off' }])
  }
  if (config.ownerDatabaseUrl !== null) await migrateNow(config, logger)
  const db = createDb({ url: config.databaseUrl })
  await checkRole(db)
  await db.assertSchemaIsCurrent()
  const clock = followingClock(systemClock())
  await clockSync(db, clock).run()
  const outboundTo = (extraOrigins: readonly string[]) =>
    createOutbound({ extraOrigins, clock, userAgent: 'weft' })
  const outbound = outboundTo(config.extraWorkspaceOrigins)
  const loginOutbound = outboundTo(loginOrigins(config))
  const keyOutbound = outboundTo(vaultOrigins(config))
  const readKeys = keyReader(config, keyOutbound, clock.now)
  const keyRing = keyRingOf(readKeys())
  const onJobFailure = (job: string, error: unknown) =>
    logger.error({ job, ...faultOf(error) }, 'job failed')
  const onStanding = (isReady: boolean, degraded: readonly string[]) =>
    logger[isReady && degraded.length === 0 ? 'info' : 'warn']({ isReady, degraded }, 'standing')
  const lagMs = watchEventLoop(clock)
  const parts = {
    config,
    db,
    keyRing,
    readKeys: config.keyRingFile === null ? null : readKeys,
    replica: { id: randomUUID(), host: hostname() },
    outbound,
    loginOutbound,
    clock,
    lagMs,
    onJobFailure,
    onStanding,
    tracer
  }
  const rooms: Rooms = buildRooms(parts)
  const close = async () => {
    await Promise.all([outbound.close(), loginOutbound.close(), keyOutbound.close()])
    await db.close()
  }
  return { parts, rooms, close }
}

/** Loaded where a collector is named, and not otherwise; spans leave by the one door like everything else. */
async function startTracing({ tracing }: Config): Promise<Tracing | null> {
  if (tracing === null) return null
  const { createTracing } = await import('./tracing/tracing.ts')
  const { url, protocol, sampler, serviceName, headers: secrets } = tracing
  const { origin } = new URL(url)
  const clock = systemClock()
  const outbound = createOutbound({ extraOrigins: [origin], clock, userAgent: 'weft' })
  const made = createTracing({
    protocol,
    sampler,
    resource: { 'service.name': serviceName, 'service.version': ownVersion() },
    async send(body, contentType) {
      const rule = { kind: 'origin', origin } as const
      const headers = { 'content-type': contentType }
      const answer = await outbound.request({ url, rule, method: 'POST', headers, secrets, body })
      return answer.status
    }
  })
  return { ...made, close: () => made.close().then(outbound.close) }
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version }: { version: string } = JSON.parse(manifest)
  return version
}

function faultOf(error: unknown) {
  const fault = error instanceof Error ? error.name : 'unknown'
  return error instanceof AppError ? { fault, code: error.code, note: error.note } : { fault }
}

/** Keys at services first, then those of the ring as it is now. */
function keyReader(config: Config, outbound: Outbound, now: () => Date): () => KeyEncryptionKey[] {
  const { kms, keyRing, keyRingFile, vaultTokenFile } = config
  const vault = vaultTokenFile === null ? null : vaultAt(vaultTokenFile, outbound)
  const azure = { getToken: azureToken(azureAt(config.azure, outbound, now)) }
  const remote = kms.map((name) => kmsKeyOf(name, { vault, azure }))
  const readRing = () =>
    keyRingFile === null ? keyRing : parseKeyRing(readFileSync(keyRingFile, 'utf8'))
  return () => [...remote, ...readRing().map(localKey)]
}

function vaultAt(tokenFile: string, outbound: Outbound): VaultOptions {
  return {
    readToken: () => new Secret(readFileSync(tokenFile, 'utf8').trim()),
    call(url, bearer, body) {
      const rule = { kind: 'origin', origin: new URL(url).origin } as const
      const headers = { 'content-type': 'application/json' }
      return outbound.request({ url, rule, method: 'POST', headers, bearer, body })
    }
  }
}

function azureAt(
  identity: Config['azure'],
  outbound: Outbound,
  now: () => Date
): AzureTokenOptions {
  const rule = { kind: 'public' } as const
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return {
    ...identity,
    now,
    readAssertion: () => new Secret(readFileSync(identity.tokenFile, 'utf8').trim()),
    call: (url, body) => outbound.request({ url, rule, method: 'POST', headers, body })
  }
}

/** Vault may lie on a private address; on loopback it may be plain http. */
function vaultOrigins({ kms }: Config): string[] {
  const urls = kms.filter(({ service }) => service === 'vault-transit')
  return urls.map(({ name }) => new URL(name).origin)
}

/** The operator named the login issuer, and others; on loopback they may be plain http. */
function loginOrigins({ bootstrap, extraIssuerOrigins }: Config): readonly string[] {
  if (bootstrap.login === null) return extraIssuerOrigins
  return [new URL(bootstrap.login.issuer).origin, ...extraIssuerOrigins]
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

async function migrateNow(config: Config, logger?: pino.Logger): Promise<number> {
  if (config.ownerDatabaseUrl === null) {
    const message = 'needed to migrate'
    throw new ConfigError([{ variable: 'WEFT_OWNER_DATABASE_URL', message }])
  }
  const applied = await migrate(config.ownerDatabaseUrl, credentialsOf(config.databaseUrl))
  logger?.info({ applied }, 'database is up to date')
  return logger === undefined ? say(`applied: ${applied.join(', ') || 'nothing was missing'}\n`) : 0
}

async function runCommand(config: Config, run: RunCommand): Promise<number> {
  const { rooms, close } = await open(config, pino({ level: 'silent' }))
  await rooms.keyCustody.check()
  const tell = (step: string) => void process.stderr.write(`${step}\n`)
  const end = await run({ ...rooms, tell, readInput: () => text(process.stdin) })
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

function say(words: string): number {
  process.stdout.write(words)
  return 0
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
