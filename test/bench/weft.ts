import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { FabricId } from '../../src/base/ids.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { type Child, lastWordsOf, startChild } from './children.ts'
import type { Target } from './traffic.ts'

/** Weft as it is deployed: `src/main.ts`, on a real Postgres, everything on. */
export interface BenchedWeft extends Child {
  readonly world: VaultWorld
  readonly fabricId: FabricId
  /** The same call by each kind of credential. */
  readonly targets: Readonly<Record<CredentialKind, Target>>
  readonly credentials: { readonly serviceKey: string; readonly accessToken: string }
  /** What its metrics say now. */
  look(): Promise<Vitals>
}

export type CredentialKind = 'service key' | 'Weft token (JWT)' | 'personal token' | 'session'

export interface Vitals {
  readonly residentMiB: number
  readonly heapMiB: number
  /** Of the event loop, since the look before. */
  readonly lagP50Ms: number
  readonly lagP99Ms: number
  /** Calls that met a bound of ours, and records given up: both must be 0, or nothing was measured. */
  readonly refused: number
  readonly recordsDropped: number
}

export const publicUrl = 'https://weft.test'
const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const host = new URL(publicUrl).host
const hour = 3_600_000
/** prom-client's default. */
const resolutionMs = 10

export async function startWeft(upstream: number, superuserUrl: string): Promise<BenchedWeft> {
  const origin = `http://127.0.0.1:${upstream}`
  const world = await createVaultWorld({}, superuserUrl)
  const { rows, seeded } = world
  const { tenantId } = seeded
  const principal = { clientId: 'bench-principal', clientSecret: 'bench-principal-secret' }
  const fabricId = await world.seedFabric(principal, origin)
  const userId = await rows.user(seeded)
  await world.seedGrant({ userId, lifeMs: hour, workspaceOrigin: origin })
  const serviceKey = await rows.serviceKey(tenantId, [fabricId])
  const session = await rows.session(tenantId, userId)
  const personalToken = await rows.personalToken(tenantId, userId)
  const { port, adminPort, ...child } = await launch(world, origin)
  const accessToken = await getToken(world, port, serviceKey)

  const target = (headers: Target['headers']): Target => ({
    port,
    prefix: `/fabrics/${fabricId}`,
    headers: { host, ...headers }
  })
  const bearer = (token: string) => target({ authorization: `Bearer ${token}` })
  return {
    ...child,
    world,
    fabricId,
    credentials: { serviceKey, accessToken },
    targets: {
      'service key': bearer(serviceKey),
      'Weft token (JWT)': bearer(accessToken),
      'personal token': bearer(personalToken),
      session: target({
        cookie: `__Host-weft_session=${session}`,
        'x-weft-csrf': '1',
        origin: publicUrl
      })
    },
    look: () => look(adminPort),
    async stop() {
      await child.stop()
      await world.close()
    }
  }
}

/** Its log is on, at the level of a deployment, into a pipe that somebody empties. */
async function launch(world: VaultWorld, origin: string) {
  const child = startChild([process.execPath, program], 'measured', {
    env: {
      WEFT_PUBLIC_URL: publicUrl,
      WEFT_PORT: '0',
      WEFT_ADMIN_PORT: '0',
      WEFT_DATABASE_URL: world.database.appUrl,
      WEFT_KEY_RING: world.keyRing,
      WEFT_EXTRA_WORKSPACE_ORIGINS: origin
    }
  })
  const words = lastWordsOf(child)
  const { stdout } = child.process
  let output = ''
  const ready = await new Promise<string>((resolve, reject) => {
    const look = (chunk: unknown) => {
      output += String(chunk)
      const line = /^.*"msg":"ready".*$/m.exec(output)?.[0]
      if (line === undefined) return
      stdout?.off('data', look)
      resolve(line)
    }
    stdout?.on('data', look)
    child.process.once('close', () => reject(new TypeError(`Weft did not start:\n${words()}`)))
  })
  stdout?.resume()
  const { port, adminPort } = JSON.parse(ready) as { port: number; adminPort: number } // its own line
  return { ...child, port, adminPort }
}

async function getToken(world: VaultWorld, port: number, key: string): Promise<string> {
  const accounts = await world.sql<{ id: string }>('SELECT id FROM service_accounts')
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: accounts[0]?.id ?? '',
    client_secret: key
  })
  const type = 'application/x-www-form-urlencoded'
  const answer = await ask(port, '/oauth2/token', { 'content-type': type }, body.toString())
  const { access_token } = JSON.parse(answer) as { access_token?: string } // RFC 6749 §5.1
  if (access_token === undefined) throw new TypeError(`no token: ${answer}`)
  return access_token
}

async function look(adminPort: number): Promise<Vitals> {
  const metrics = await ask(adminPort, '/metrics')
  const sum = (name: string) =>
    [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0
    )
  // Node's histogram holds its own resolution too; it is emptied at each look.
  const lag = (share: string) =>
    Math.max(0, sum(`weft_nodejs_eventloop_lag_${share}_seconds`) * 1_000 - resolutionMs)
  const mebibytes = (name: string) => sum(name) / 1024 / 1024
  return {
    residentMiB: mebibytes('weft_process_resident_memory_bytes'),
    heapMiB: mebibytes('weft_nodejs_heap_size_used_bytes'),
    lagP50Ms: lag('p50'),
    lagP99Ms: lag('p99'),
    refused: sum('weft_gateway_calls_refused_total'),
    recordsDropped: sum('weft_audit_records_dropped')
  }
}

function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string
): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const options = { host: '127.0.0.1', port, method, path, agent: false } as const
    const call = request({ ...options, headers: { host, ...headers } }, (response) => {
      text(response).then(resolve, reject)
    })
    call.once('error', reject)
    call.end(body)
  })
}
