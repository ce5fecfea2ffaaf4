import { rmSync } from 'node:fs'
import process from 'node:process'
import { type DataFolder, isAlive, read, writePrivate } from './data-folder.ts'
import { StackError } from './stack-error.ts'

/** A running stack as programs see it: the line that `--json` prints. */
export interface StackSummary {
  readonly weft: string
  readonly workspaces: readonly [string, string]
  readonly identityProvider: string
  readonly admin: string
  /** Where nothing listens: webhooks may go to whatever does one day. */
  readonly webhookReceiver: string
  readonly tenant: string
  readonly people: readonly { readonly email: string; readonly role: string }[]
  readonly fabrics: readonly { readonly id: string; readonly name: string; readonly kind: string }[]
  /** The first fabric as a host of its own, for clients that drop the path of their host. */
  readonly fabricHost: string
  readonly serviceKey: string
  readonly serviceAccountId: string
  readonly endpoint: string
}

interface StackFile {
  readonly pid: number
  readonly summary: StackSummary | null
}

/** Claims the data folder for this process. @throws StackError when a living stack holds it */
export function claim(data: DataFolder): void {
  const held = running(data.stack)
  if (held) {
    const where = held.summary ? ` at ${held.summary.weft}` : ''
    throw new StackError(
      `A stack runs on this data already (process ${held.pid}${where}). Stop it first, or name another folder with --data.`
    )
  }
  writePrivate(data.stack, JSON.stringify({ pid: process.pid, summary: null }))
}

export function publish(data: DataFolder, summary: StackSummary): void {
  writePrivate(data.stack, JSON.stringify({ pid: process.pid, summary }))
}

export function release(data: DataFolder): void {
  if (read<StackFile>(data.stack)?.pid === process.pid) rmSync(data.stack, { force: true })
}

/** What `file` says, when the process that wrote it still lives. */
export function running(file: string): StackFile | undefined {
  const found = read<StackFile>(file)
  return found && found.pid !== process.pid && isAlive(found.pid) ? found : undefined
}
