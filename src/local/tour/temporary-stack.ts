import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { emptyDataFolder } from '../data-folder.ts'
import { StackError } from '../stack-error.ts'
import type { StackSummary } from '../stack-file.ts'
import { endWithUs } from '../watcher.ts'

export interface TemporaryStack {
  readonly summary: StackSummary
  stop(): Promise<void>
}

const program = fileURLToPath(new URL('../main.ts', import.meta.url))

/** A stack of its own on free ports, whose data goes when it stops. */
export async function startTemporaryStack(): Promise<TemporaryStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weft-tour-'))
  const child = spawn(process.execPath, [program, '--json', '--ports', '0', '--data', dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true
  })
  endWithUs(child, 'TERM')
  const ended = once(child, 'close')
  let words = ''
  child.stderr.on('data', (chunk) => {
    words = `${words}${chunk}`.slice(-4000)
  })
  const remove = () => {
    emptyDataFolder(dataDir)
    rmSync(dataDir, { recursive: true, force: true })
  }
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    ended.then(() => undefined)
  ])
  if (line === undefined) {
    remove()
    throw new StackError(`The stack did not start:\n${words}`)
  }
  return {
    summary: JSON.parse(line),
    async stop() {
      child.kill('SIGTERM')
      await ended
      remove()
    }
  }
}
