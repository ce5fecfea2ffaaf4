import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { VaultWorld } from '../support/vault-world.ts'
import { startChild } from './children.ts'
import { number, type Section } from './markdown.ts'
import { median } from './traffic.ts'
import { environmentOf, lineOf, stopHurriedly } from './weft-process.ts'

type Command = readonly [string, ...string[]]

const setup = fileURLToPath(new URL('../../src/setup.mjs', import.meta.url))
const serve = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const local = fileURLToPath(new URL('../../src/local/main.ts', import.meta.url))

/** From a finished install: until `serve` says that it is ready, and until `npm start` prints its line. */
export async function measureStartUp(
  world: Pick<VaultWorld, 'database' | 'keyRing'>,
  times: number
): Promise<Section> {
  const env = { HOME: process.env.HOME ?? '', NODE_ENV: 'production' }
  const ready = /^.*"msg":"ready".*$/m
  const rows: string[][] = []
  const repeat = async (name: string, once: () => Promise<number>) => {
    const took: number[] = []
    for (let at = 0; at < times; at += 1) took.push(await once())
    const [median_, longest] = [median(took), Math.max(...took)]
    rows.push([name, number(median_ / 1_000, 2), number(longest / 1_000, 2)])
  }
  const folder = await mkdtemp(join(tmpdir(), 'weft-bench-'))
  try {
    await repeat('`serve`, database warm', () =>
      untilLine([process.execPath, setup, serve], ready, {
        ...env,
        ...environmentOf(world, { origins: [] })
      })
    )
    const start = (data: string): Command => {
      return [process.execPath, setup, local, '--json', '--ports', '0', '--data', data]
    }
    let fresh = 0
    await repeat('`start`, no data yet', () => {
      fresh += 1
      return untilLine(start(join(folder, String(fresh))), /^\{.*\}$/m, env)
    })
    await repeat('`start`, data there', () => untilLine(start(join(folder, '1')), /^\{.*\}$/m, env))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return {
    title: 'Start, from a finished install',
    head: ['', 's until ready, median', 's, longest'],
    rows,
    note: 'What `npm run` starts; npm itself takes its own part of a second before.',
    faults: []
  }
}

async function untilLine(
  command: Command,
  line: RegExp,
  env: Readonly<Record<string, string>>
): Promise<number> {
  const startedMs = performance.now()
  const child = startChild([...command], 'anywhere', { env })
  try {
    await lineOf(child, line)
    return performance.now() - startedMs
  } finally {
    await stopHurriedly(child)
  }
}
