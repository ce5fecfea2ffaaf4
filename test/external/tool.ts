import { spawn } from 'node:child_process'
import type { StackSummary } from '../../src/local/stack-file.ts'

export interface Target extends StackSummary {
  /** A personal access token of a tenant admin. */
  readonly token: string
  /** Where a tool may write. */
  readonly folder: string
}

/** What a tool saw; `isGood` says that nothing of it is left to settle. */
export interface Finding {
  readonly did: string
  readonly saw: string
  readonly isGood: boolean
}

export interface Tool {
  /** The program, and Debian's package that has it. */
  readonly program: string
  run(target: Target): Promise<readonly Finding[]>
}

/** Runs a program to its end, or until its time is over. */
export async function outputOf(
  program: string,
  args: readonly string[],
  { seconds, input }: { readonly seconds: number; readonly input?: Buffer }
): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1_000)
  const written: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => written.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => written.push(chunk))
  child.stdin.on('error', () => undefined).end(input)
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
  clearTimeout(timer)
  return Buffer.concat(written)
}
