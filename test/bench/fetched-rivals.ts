import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { portOrFree } from '../../src/local/free-port.ts'
import { lastWordsOf, startChild, startProgram } from './children.ts'
import { listens, type Rival } from './rivals.ts'
import { type Endpoint, pathOf, type Target } from './traffic.ts'

/** What of npm is measured and no part of the product, its lockfile included. */
const versions = { '@portkey-ai/gateway': '1.15.2', '@fastify/reply-from': '12.6.5' } as const
type RivalPackage = keyof typeof versions
const names = Object.keys(versions) as RivalPackage[] // its own keys are all it has

const folder = fileURLToPath(new URL('../../.data/bench/rivals', import.meta.url))
const fetchMs = 120_000

/** Fetches those that are not there yet, into a folder of their own. @returns why they are not */
export async function fetchRivals(): Promise<string | null> {
  if (names.every(isFetched)) return null
  await mkdir(folder, { recursive: true })
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const wanted = names.map((name) => `${name}@${versions[name]}`)
  try {
    const options = { cwd: folder, timeout: fetchMs }
    await promisify(execFile)('npm', ['install', '--prefix', folder, ...flags, ...wanted], options)
    return null
  } catch {
    return `the npm registry did not give ${wanted.join(' and ')}; left out`
  }
}

function isFetched(name: RivalPackage): boolean {
  const manifest = join(folder, 'node_modules', name, 'package.json')
  if (!existsSync(manifest)) return false
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, 'utf8'))
  return version === versions[name]
}

const notFetched = 'not fetched, skipped (`--rivals` fetches it)'

/** @returns why there is none */
export async function startReplyFrom(origin: string): Promise<Rival | string> {
  if (!isFetched('@fastify/reply-from')) return notFetched
  const entry = join(folder, 'node_modules', '@fastify', 'reply-from', 'index.js')
  return await startProgram('reply-from-proxy.ts', 'measured', [origin, entry])
}

/** @returns why there is none */
export async function startPortkey(): Promise<Rival | string> {
  if (!isFetched('@portkey-ai/gateway')) return notFetched
  const port = await portOrFree(0)
  const program = join(folder, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js')
  const child = startChild([process.execPath, program, `--port=${port}`, '--headless'], 'measured')
  child.process.stdout?.resume()
  const words = lastWordsOf(child)
  if (await listens(port)) return { ...child, port }
  await child.stop()
  return `did not start: ${words().trim().split('\n').at(-1)}`
}

/** It takes chats alone, and says at each call where they go. */
export function byPortkey(port: number, origin: string, endpoint: Endpoint): Target {
  return {
    port,
    prefix: '',
    path: '/v1/chat/completions',
    headers: {
      authorization: `Bearer ${'a'.repeat(800)}`,
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': origin + pathOf(endpoint).replace('/invocations', '')
    }
  }
}
