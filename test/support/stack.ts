import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { emptyDataFolder } from '../../src/local/data-folder.ts'
import type { StackSummary } from '../../src/local/stack-file.ts'

export const repository = fileURLToPath(new URL('../..', import.meta.url))

export interface StackStart {
  /** What Weft logs; `warn` unless told otherwise. */
  readonly logLevel?: 'trace' | 'info' | 'warn'
  /** What to run in place of `node src/local/main.ts`; the stack's own arguments follow. */
  readonly command?: readonly [string, ...string[]]
  /** Path before all of Weft's own. */
  readonly prefix?: string
}

export interface StartedStack extends StackSummary {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly dataDir: string
  /** All that the stack has written to stderr so far, Weft's log included. */
  log(): string
  /** Settles when the process has ended and its output is read to the end. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** Ends the process as Ctrl-C does and empties its data. @returns the exit code */
  stop(): Promise<number | null>
}

/** The real local stack as a process of its own, on free ports, with fresh data that goes when it stops. */
export async function startStack(options: StackStart = {}): Promise<StartedStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weft-stack-'))
  const [program, ...first] = options.command ?? [process.execPath, 'src/local/main.ts']
  const args = [...first, '--json', '--ports', '0', '--data', dataDir, '--fresh']
  if (options.prefix !== undefined) args.push('--prefix', options.prefix)
  const child = spawn(program, args, {
    cwd: repository,
    env: { ...process.env, WEFT_LOG_LEVEL: options.logLevel ?? 'warn' },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  // npm prints lines of its own before
  const { promise: ready, resolve } = Promise.withResolvers<string>()
  createInterface(child.stdout).on('line', (text) => text.startsWith('{') && resolve(text))
  const line = await Promise.race([ready, ended.then(() => undefined)])
  const remove = () => {
    emptyDataFolder(dataDir)
    rmSync(dataDir, { recursive: true, force: true })
  }
  if (line === undefined) {
    remove()
    throw new TypeError(`the stack did not start:\n${log}`)
  }
  const summary: StackSummary = JSON.parse(line)
  return {
    ...summary,
    child,
    dataDir,
    log: () => log,
    ended,
    async stop() {
      child.kill('SIGINT')
      const { code } = await ended
      remove()
      return code
    }
  }
}
