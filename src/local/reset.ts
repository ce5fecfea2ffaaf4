/**
 * `npm run reset`: empties what the local stack keeps.
 * Owns: the question whether it may. May touch: the data folder. Never: removes data in use.
 */
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { defaultDataDir, emptyDataFolder } from './data-folder.ts'
import { running } from './stack-file.ts'

const { values } = parseArgs({ options: { data: { type: 'string' } } })
const dataDir = values.data ?? defaultDataDir()
const held = running(join(dataDir, 'stack.json'))
if (held) {
  process.stderr.write(`The stack runs (process ${held.pid}); stop it first, then reset.\n`)
  process.exitCode = 1
} else {
  emptyDataFolder(dataDir)
  process.stdout.write(`Emptied ${dataDir}; the next npm start begins anew.\n`)
}
