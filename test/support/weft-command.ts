import { type ChildProcess, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { publicUrl } from './replicas.ts'

export interface CommandRun {
  readonly child: ChildProcess
  readonly ended: Promise<{
    /** Null: a signal ended it. */
    readonly code: number | null
    readonly out: string
    readonly err: string
  }>
}

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** `weft …` as a process of its own. */
export function runWeft(
  args: readonly string[],
  env: Readonly<Record<string, string>>
): CommandRun {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', WEFT_PUBLIC_URL: publicUrl, ...env }
  })
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err] = [text(child.stdout), text(child.stderr)]
  return {
    child,
    ended: Promise.all([code, out, err]).then(([code, out, err]) => ({ code, out, err }))
  }
}
