import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FabricId } from '../../src/base/ids.ts'
import { type RunningPostgres, startPostgres } from '../../src/local/postgres.ts'
import {
  type ReplicaProcess,
  type ReplicaProcessOptions,
  startReplica
} from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import type { Person } from './calls.ts'
import { type SimulatedWorkspace, startWorkspace } from './workspace.ts'

/** A tenant with a fabric at each of two workspaces, and the real processes that serve it. */
export interface Site {
  readonly world: VaultWorld
  /** The simulated Databricks, a process of its own. */
  readonly workspace: SimulatedWorkspace
  /** At the hostile workspace, which keeps books of every token: people use it. */
  readonly fabricId: FabricId
  /** At the simulated workspace: a service account uses it. */
  readonly serviceFabricId: FabricId
  readonly serviceKey: string
  readonly replicas: ReplicaProcess[]
  /** Signed in; @param lifeMs of the stored access token, by default most of an hour. */
  person(lifeMs?: number): Promise<Person>
  launch(options?: ReplicaProcessOptions): Promise<ReplicaProcess>
}

/** Where faults take place, one after the other; each leaves nothing to the next. */
export interface Stage {
  /** Of a Postgres that all faults share. */
  superuserUrl(): Promise<string>
  /** A folder that goes with the fault. */
  folder(): Promise<string>
  site(replicas: number, superuserUrl?: string): Promise<Site>
  /** Undone with the fault, last first, however it ends. */
  defer(undo: () => unknown): void
  clear(): Promise<void>
  close(): Promise<void>
}

const tokenLifeMs = 50 * 60_000

/** @param shared the superuser's URL where there is a Postgres already */
export function createStage(shared?: string): Stage {
  const undoing: (() => unknown)[] = []
  let postgres: RunningPostgres | null = null
  let home: string | null = null

  async function newFolder(): Promise<string> {
    return await mkdtemp(join(tmpdir(), 'weft-faults-'))
  }

  const stage: Stage = {
    async superuserUrl() {
      if (shared !== undefined) return shared
      home ??= await newFolder()
      postgres ??= await startPostgres({ dataDir: join(home, 'postgres'), port: 0, durable: false })
      return postgres.superuserUrl
    },
    async folder() {
      const folder = await newFolder()
      stage.defer(() => rm(folder, { recursive: true, force: true }))
      return folder
    },
    async site(count, superuserUrl) {
      const world = await createVaultWorld({}, superuserUrl ?? (await stage.superuserUrl()))
      // Where the fault took the database itself there is nothing left to empty.
      stage.defer(() => world.close().catch(() => undefined))
      return await openSite(stage, world, count)
    },
    defer: (undo) => void undoing.push(undo),
    async clear() {
      for (let undo = undoing.pop(); undo !== undefined; undo = undoing.pop()) {
        await Promise.resolve(undo()).catch(() => undefined)
      }
    },
    async close() {
      await stage.clear()
      await postgres?.stop()
      if (home !== null) await rm(home, { recursive: true, force: true })
    }
  }
  return stage
}

async function openSite(stage: Stage, world: VaultWorld, count: number): Promise<Site> {
  const principal = { clientId: randomUUID(), clientSecret: randomBytes(18).toString('base64url') }
  const workspace = await startWorkspace({ ...principal, displayName: 'Robot' })
  stage.defer(workspace.stop)
  const fabricId = await world.seedFabric()
  const serviceFabricId = await world.seedFabric(principal, workspace.url)
  const serviceKey = await world.rows.serviceKey(world.seeded.tenantId, [serviceFabricId])
  const origins = [world.server.origin, workspace.url, workspace.dataPlaneUrl].join(',')

  async function launch({ env, ...options }: ReplicaProcessOptions = {}): Promise<ReplicaProcess> {
    const replica = await startReplica(world, {
      ...options,
      env: { WEFT_EXTRA_WORKSPACE_ORIGINS: origins, WEFT_LOG_LEVEL: 'info', ...env }
    })
    stage.defer(() => replica.kill())
    return replica
  }

  return {
    world,
    workspace,
    fabricId,
    serviceFabricId,
    serviceKey,
    replicas: await Promise.all(Array.from({ length: count }, () => launch())),
    async person(lifeMs = tokenLifeMs) {
      const grant = await world.seedGrant({ lifeMs })
      const session = await world.rows.session(world.seeded.tenantId, grant.userId)
      return { ...grant, session }
    },
    launch
  }
}
