import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { StackError } from './stack-error.ts'
import { endWithUs } from './watcher.ts'

export interface LaunchedWeft {
  /** Settles once it says that it can serve. */
  readonly ready: Promise<void>
  /** Settles with the last lines it wrote when the process ends, asked or not. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

const program = fileURLToPath(new URL('../main.ts', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))
const readyTimeoutMs = 90_000
/** More than the time that Weft gives itself to drain. */
const stopTimeoutMs = 28_000
const readyPollMs = 25
const hurryMs = 200

/** Weft in its own process, with `env` as its whole environment; it may be stopped before it is ready, too. */
export function launchWeft(
  url: string,
  env: Record<string, string>,
  writeLog: (text: string) => void
): LaunchedWeft {
  const child = launch([], env)
  const lines = collect(child, writeLog)
  const ended = new Promise<string>((settle) => {
    child.once('error', (error) => settle(error.message))
    child.once('close', () => settle(lines.join('\n')))
  })
  endWithUs(child, 'TERM')
  const stop = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    child.kill('SIGTERM')
    // Nobody here goes by its readiness, so it need not announce its end.
    const hurry = setTimeout(() => child.kill('SIGTERM'), hurryMs)
    await ended
    clearTimeout(timer)
    clearTimeout(hurry)
  }
  const death = ended.then(() => {
    throw new StackError('Weft did not start; its own words are above.')
  })
  death.catch(() => {})
  return { ready: Promise.race([untilReady(url), death]), ended, stop }
}

/** Runs one command of Weft's to its end. @returns what it printed @throws StackError when it fails */
export async function runWeft(
  args: readonly string[],
  env: Record<string, string>,
  input = ''
): Promise<string> {
  const child = launch(args, env, 'pipe')
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  const errors: string[] = []
  child.stderr?.on('data', (chunk) => errors.push(String(chunk)))
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const code = await new Promise((settle) => {
    child.once('error', () => settle(null))
    child.once('close', settle)
  })
  if (code === 0) return output
  const words = `${errors.join('')}${output}`.trim().slice(-2000)
  throw new StackError(`weft ${args.slice(0, 2).join(' ')} failed:\n${words}`)
}

function launch(
  args: readonly string[],
  env: Record<string, string>,
  stdin: 'ignore' | 'pipe' = 'ignore'
) {
  return spawn(process.execPath, [program, ...args], {
    cwd: repository,
    env,
    stdio: [stdin, 'pipe', 'pipe'],
    // a session of its own, so that Ctrl-C reaches us alone and we stop things in order
    detached: true
  })
}

function collect(child: ChildProcess, writeLog: (text: string) => void): string[] {
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8')
      writeLog(text)
      lines.push(...text.split('\n').filter(Boolean))
      lines.splice(0, Math.max(0, lines.length - 40))
    })
  }
  return lines
}

async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs
  while (performance.now() < deadline) {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(
      () => null
    )
    await answer?.arrayBuffer().catch(() => undefined)
    if (answer?.status === 200) return
    await pause(readyPollMs)
  }
  throw new StackError(`Weft is not ready at ${url}/readyz after ${readyTimeoutMs / 1000} s`)
}
