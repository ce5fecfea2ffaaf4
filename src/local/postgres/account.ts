import { execFile } from 'node:child_process'
import { lstatSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { StackError } from '../stack-error.ts'

const run = promisify(execFile)

/** The operating system account that the server runs as; empty means: as ourselves. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>

/** Postgres refuses to run as root, so root lends it the owner of the data, or an account made for it. */
export async function serverAccount(dataDir: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const owner = statSync(dataDir, { throwIfNoEntry: false })
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  return (await lookUp('postgres')) ?? (await create()) ?? (await unprivileged())
}

async function lookUp(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

async function create(): Promise<Account | undefined> {
  try {
    await run('groupadd', ['--system', 'postgres']).catch(() => undefined)
    await run('useradd', ['--system', '-g', 'postgres', '-s', '/usr/sbin/nologin', 'postgres'])
  } catch {
    return undefined
  }
  return lookUp('postgres')
}

async function unprivileged(): Promise<Account> {
  const nobody = await lookUp('nobody')
  if (nobody) return nobody
  throw new StackError(
    'Postgres does not run as root, and no account for it was found or could be made. ' +
      'Add one (useradd --system postgres), or run as an ordinary user.'
  )
}

/**
 * The first folder on the way to `path` that `account` may not pass, or undefined when it may pass all.
 * Only asked for another account than our own; parts that do not exist yet are ours to make.
 */
export function blockedAt(path: string, account: Account): string | undefined {
  if (!('uid' in account)) return undefined
  const folders: string[] = []
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    folders.unshift(folder)
    if (folder === dirname(folder)) break
  }
  return folders.find((folder) => !mayPass(folder, account))
}

function mayPass(folder: string, account: Account): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false })
  if (!stat) return lstatSync(folder, { throwIfNoEntry: false }) === undefined
  if (stat.uid === account.uid) return (stat.mode & 0o100) !== 0
  if (stat.gid === account.gid) return (stat.mode & 0o010) !== 0
  return (stat.mode & 0o001) !== 0
}
