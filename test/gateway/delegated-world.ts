import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { asId, type FabricId, type ServiceAccountId, type UserId } from '../../src/base/ids.ts'
import { hashToken } from '../../src/crypto/bearer.ts'
import type { App } from '../../src/http/route.ts'
import { createTestGateway, type TestGateway } from '../support/vault-world/gateway.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

export const host = 'weft.test'
export const path = '/serving-endpoints/probe/invocations'

export interface Account {
  readonly id: ServiceAccountId
  readonly key: string
}

export interface DelegatedWorld extends VaultWorld {
  readonly gateway: TestGateway
  readonly app: App
  readonly principalClientId: string
  /** @returns a fabric with the service principal, in the team */
  newFabric(): Promise<FabricId>
  newAccount(fabricIds: readonly FabricId[]): Promise<Account>
  /** A member who has signed in at the workspace. */
  newPerson(): Promise<UserId>
  /** As an admin decides it, through this process. */
  allow(delegationsAllowed: boolean): Promise<void>
  /** What the workspace saw of it: whose token; null where Weft refused. */
  ask(asked: Asked): Promise<Answer>
}

export interface Asked {
  readonly fabricId: FabricId
  readonly bearer: string
  readonly user?: string | undefined
  readonly actAs?: string | undefined
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: whatever came back
  readonly body: any
}

/** Two doors into one process: its app, and the rooms behind it. */
export async function createDelegatedWorld(): Promise<DelegatedWorld> {
  const world = await createVaultWorld()
  const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  const gateway = createTestGateway(world)
  const app = await buildApp({
    ...gateway.rooms,
    slowClients: { bodies: 0, readers: 0 },
    publicUrl: `https://${host}`,
    fabricDomain: null,
    trustedProxies: [],
    readiness: async () => [],
    logger: pino({ level: 'silent' }),
    clock: world.clock,
    newRequestId: randomUUID
  })
  const { tenantId } = world.seeded
  return {
    ...world,
    gateway,
    app,
    principalClientId: principal.clientId,
    newFabric: () => world.seedFabric(principal),
    async newAccount(fabricIds) {
      const key = await world.rows.serviceKey(tenantId, fabricIds)
      const [row] = await world.sql<{ id: string }>(
        'SELECT service_account_id AS id FROM service_keys WHERE hash = $1',
        [hashToken(key)]
      )
      return { id: asId('serviceAccount', row?.id ?? ''), key }
    },
    newPerson: async () => (await world.seedGrant({ lifeMs: 50 * 60_000 })).userId,
    async allow(delegationsAllowed) {
      const { tenantSettings } = gateway.rooms.identity
      const { version } = await tenantSettings.get(world.scope)
      await tenantSettings.update(world.scope, { version, delegationsAllowed })
    },
    async ask({ fabricId, bearer, user, actAs = 'user', ...more }) {
      const answer = await app.inject({
        method: 'POST',
        url: `/fabrics/${fabricId}${more.path ?? path}`,
        headers: {
          host,
          authorization: `Bearer ${bearer}`,
          ...(actAs !== '' && { 'x-weft-act-as': actAs }),
          ...(user !== undefined && { 'x-weft-user': user }),
          ...more.headers
        },
        payload: '{}'
      })
      return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
    },
    async close() {
      await app.close()
      await gateway.close()
      await world.close()
    }
  }
}
