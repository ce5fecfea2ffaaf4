import type { FabricId } from '../../src/base/ids.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import type { Target } from './traffic.ts'
import { ask, host, launchWeft, publicUrl, type WeftProcess } from './weft-process.ts'

/** On a real Postgres, everything on. */
export interface BenchedWeft extends WeftProcess {
  readonly world: VaultWorld
  readonly fabricId: FabricId
  /** The workspace of its fabric. */
  readonly origin: string
  /** The same call by each kind of credential. */
  readonly targets: Readonly<Record<CredentialKind, Target>>
  readonly credentials: { readonly serviceKey: string; readonly accessToken: string }
}

export type CredentialKind = 'service key' | 'Weft token (JWT)' | 'personal token' | 'session'

const hour = 3_600_000

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
  const weft = await launchWeft(world, { origins: [origin] })
  const accessToken = await getToken(world, weft.port, serviceKey)
  const at = { port: weft.port, fabricId }
  return {
    ...weft,
    world,
    fabricId,
    origin,
    credentials: { serviceKey, accessToken },
    targets: {
      'service key': byBearer(at, serviceKey),
      'Weft token (JWT)': byBearer(at, accessToken),
      'personal token': byBearer(at, personalToken),
      session: bySession(at, session)
    },
    async stop() {
      await weft.stop()
      await world.close()
    }
  }
}

interface Way {
  readonly port: number
  readonly fabricId: FabricId
}

export function byBearer(way: Way, bearer: string): Target {
  return through(way, { authorization: `Bearer ${bearer}` })
}

export function bySession(way: Way, session: string): Target {
  return through(way, {
    cookie: `__Host-weft_session=${session}`,
    'x-weft-csrf': '1',
    origin: publicUrl
  })
}

function through({ port, fabricId }: Way, headers: Target['headers']): Target {
  return { port, prefix: `/fabrics/${fabricId}`, headers: { host, ...headers } }
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
