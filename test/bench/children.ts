import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../../src/local/watcher.ts'
import { statOf, tickMs } from './processor-time.ts'

/** Which processors a process may use: what is measured has one to itself, the others share the rest. */
export type Place = 'measured' | 'rest' | 'anywhere'

export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  stop(): Promise<void>
}

const stopMs = 10_000

/** Of the machine; what this process may use of them is another matter. */
export const processorCount = availableParallelism()

/** Whether processes can be kept to processors here: Linux with `taskset` and two of them. */
export const isPinned = processorCount > 1 && isInstalled('taskset')

export function isInstalled(program: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const processors: Readonly<Record<Place, string>> = {
  measured: '0',
  rest: `1-${processorCount - 1}`,
  anywhere: `0-${processorCount - 1}`
}

/** Leaves the first processor to what is measured; so does whatever this process starts from now on, Postgres too. */
export function stepAside(): void {
  if (!isPinned) return
  const args = ['-a', '-c', '-p', processors.rest, String(process.pid)]
  execFileSync('taskset', args, { stdio: 'ignore' })
}

/** Starts a program that ends with us, however we end. */
export function startChild(
  command: readonly [string, ...string[]],
  place: Place,
  options: { readonly env?: Readonly<Record<string, string>>; readonly hasChannel?: boolean } = {}
): Child {
  const [program, ...args] = isPinned ? ['taskset', '-c', processors[place], ...command] : command
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.hasChannel === true ? (['ipc'] as const) : [])],
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...options.env }
  })
  endWithUs(child, 'TERM')
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  return {
    process: child,
    pid: child.pid ?? 0,
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
      child.kill('SIGTERM')
      await ended
      clearTimeout(timer)
    }
  }
}

/** One of our own programs. @returns once it has told its port */
export async function startProgram(
  name: string,
  place: Place,
  args: readonly string[] = []
): Promise<Child & { readonly port: number }> {
  const file = fileURLToPath(new URL(name, import.meta.url))
  const child = startChild([process.execPath, file, ...args], place, { hasChannel: true })
  child.process.stdout?.resume()
  const words = lastWordsOf(child)
  const port = await new Promise<number>((resolve, reject) => {
    child.process.once('message', (message) => resolve((message as { port: number }).port))
    child.process.once('close', () => reject(new TypeError(`${name} ended:\n${words()}`)))
  })
  return { ...child, port }
}

/** What it has written to stderr, its end. */
export function lastWordsOf({ process: child }: Child): () => string {
  let words = ''
  child.stderr?.on('data', (chunk) => {
    words = (words + String(chunk)).slice(-2_000)
  })
  return () => words
}

/** Processor time that a process has used, milliseconds; NaN where the system doesn't tell. */
export function processorMs(pid: number): number {
  const stat = statOf(pid)
  return (Number(stat[11]) + Number(stat[12])) * tickMs
}

/** Resident memory of a process, MiB; NaN where the system doesn't tell. */
export function residentMiB(pid: number): number {
  try {
    const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kibibytes) / 1024
  } catch {
    return Number.NaN
  }
}
