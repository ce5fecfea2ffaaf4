/**
 * `node test/external/main.ts [--install] [tool …]`: independent tools against a local stack of its own, on loopback, each
 * bounded in time; a line for each thing that was done and what was seen. Exit 1 where something is left to settle.
 * Nothing is installed unless `--install` says so, and then by apt-get as root.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logIn } from '../../src/local/weft-client.ts'
import { findProgram } from '../deploy/program.ts'
import { startStack } from '../support/stack.ts'
import { zzuf } from './fuzz.ts'
import { nmap, sqlmap, wapiti } from './scans.ts'
import { slowhttptest } from './slow.ts'

const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith('-'))
const all = [slowhttptest, nmap, zzuf, sqlmap, wapiti]
const tools = all.filter(({ program }) => named.length === 0 || named.includes(program))
const say = (line: string) => process.stdout.write(`${line}\n`)

function isThere(program: string): boolean {
  const mayInstall = args.includes('--install') && process.getuid?.() === 0
  if (findProgram(program) === null && mayInstall && findProgram('apt-get') !== null) {
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', program], {
      stdio: 'ignore'
    })
  }
  return findProgram(program) !== null
}

const folder = mkdtempSync(join(tmpdir(), 'weft-external-'))
const stack = await startStack()
let unsettled = 0
try {
  const { child, ended, log, stop, dataDir, ...summary } = stack
  const email = summary.people.find(({ role }) => role === 'tenant_admin')?.email ?? ''
  const admin = await logIn(summary.weft, summary.tenant, email)
  const { token } = await admin.expect<{ token: string }>(201, 'POST', '/api/v1/tokens', {
    name: 'external tools',
    expiresAt: new Date(Date.now() + 3_600_000).toISOString()
  })
  for (const tool of tools) {
    if (!isThere(tool.program)) {
      say(`skipped  ${tool.program}: not installed`)
      continue
    }
    for (const { did, saw, isGood } of await tool.run({ ...summary, token, folder })) {
      unsettled += isGood ? 0 : 1
      say(`${isGood ? 'good   ' : 'SETTLE '}  ${tool.program}: ${did} – ${saw}`)
    }
  }
  const errors = log().match(/"level":(50|60)[^\n]*/g) ?? []
  unsettled += errors.length
  for (const line of errors.slice(0, 10)) say(`SETTLE   Weft’s own log: ${line.slice(0, 300)}`)
} finally {
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
}
say(`external: ${unsettled} left to settle`)
process.exitCode = unsettled === 0 ? 0 : 1
