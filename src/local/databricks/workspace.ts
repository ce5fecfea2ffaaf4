/**
 * A simulated Databricks workspace on `http://localhost:{port}`, which also fails the way Databricks fails.
 * Owns: its servers. May touch: everything below this folder.
 * Never: knows Weft.
 */
import type { RequestListener } from 'node:http'
import { type Clock, systemClock } from '../../base/clock.ts'
import { createControl } from '../simulation/control.ts'
import { serveLoopback } from '../simulation/loopback.ts'
import { signingKey } from '../simulation/signing-key.ts'
import { type CustomApp, type CustomApps, createCustomApps } from './custom-apps.ts'
import { createWorkspaceFaults } from './faults.ts'
import { createFederationPolicies, type FederationPolicies } from './federation-policies.ts'
import { createHandlers, type Handlers } from './handlers.ts'
import { createWorkspaceRecorder } from './recorder.ts'
import { createRegistry, type Person, type ServicePrincipal } from './registry.ts'
import { serveTls, type TlsOptions } from './tls-listener.ts'

export { type CustomApp, type CustomApps, createCustomApps } from './custom-apps.ts'
export { createFederationPolicies, type FederationPolicies } from './federation-policies.ts'
export type { Person, ServicePrincipal } from './registry.ts'

export interface DatabricksOptions {
  /** 0 picks a free one. */
  readonly port: number
  /** Digits, as in `x-databricks-org-id`. */
  readonly workspaceId: string
  /** As the pages call it. */
  readonly name: string
  readonly people: readonly Person[]
  readonly accountId?: string
  readonly apps?: readonly CustomApp[]
  /** What is registered at the account, where several workspaces share one. */
  readonly customApps?: CustomApps
  readonly federationPolicies?: FederationPolicies
  readonly servicePrincipals?: readonly ServicePrincipal[]
  /** Path without ending; what was issued and the signing key are kept there across starts. */
  readonly stateFile?: string
  /** Where route-optimized endpoints are queried; 0, or none, picks a free one. */
  readonly dataPlanePort?: number
  /** Serves the same over TLS on a port of its own, for clients that speak nothing else. */
  readonly tls?: TlsOptions
  readonly clock?: Clock
  readonly log?: (line: string) => void
}

export interface RunningDatabricks {
  readonly url: string
  readonly port: number
  /** The origin at which route-optimized endpoints are queried. */
  readonly dataPlaneUrl: string
  /** null without `tls`. */
  readonly tlsUrl: string | null
  readonly workspaceId: string
  /** Ids of what a fabric can point at. */
  readonly compute: {
    readonly runningWarehouseId: string
    readonly stoppedWarehouseId: string
    readonly runningClusterId: string
    readonly terminatedClusterId: string
  }
  stop(): Promise<void>
}

export const simulatedAccountId = '7f6e5d4c-3b2a-4190-8f7e-6d5c4b3a2910'

export async function startDatabricks(options: DatabricksOptions): Promise<RunningDatabricks> {
  const clock = options.clock ?? systemClock()
  const log = options.log ?? (() => {})
  const accountId = options.accountId ?? simulatedAccountId
  const key = await signingKey(options.stateFile && `${options.stateFile}.key.json`)
  const faults = createWorkspaceFaults()
  const recorder = createWorkspaceRecorder(clock)
  const { people, apps = [], servicePrincipals = [], workspaceId, name } = options
  const customApps = options.customApps ?? createCustomApps()
  const federationPolicies = options.federationPolicies ?? createFederationPolicies()
  const registry = createRegistry(people, apps, servicePrincipals, customApps)
  const control = createControl(faults, recorder, {
    '/_sim/apps': registry.putApp,
    '/_sim/personal-access-tokens': registry.personalTokens.put,
    '/_sim/service-principals': registry.putServicePrincipal,
    '/_sim/schedules': () => {
      handlers?.fireSchedules()
      return []
    }
  })
  const stateFile = options.stateFile && `${options.stateFile}.tokens.json`
  let handlers: Handlers | undefined

  const dataPlane = await serveLoopback(options.dataPlanePort ?? 0, () => (req, res) => {
    if (handlers) handlers.dataPlane(req, res)
    else res.writeHead(503).end()
  })
  const begin = () =>
    serveLoopback(options.port, (origin): RequestListener => {
      const dataPlaneOrigin = dataPlane.url
      const deps = { origin, dataPlaneOrigin, workspaceId, registry, faults, clock }
      handlers = createHandlers({
        ...deps,
        accountId,
        customApps,
        federationPolicies,
        name,
        key,
        stateFile,
        recorder,
        control,
        log
      })
      return handlers.workspace
    })
  const server = await begin().catch(async (error: unknown) => {
    await dataPlane.close()
    throw error
  })
  if (!handlers) throw new TypeError('serveLoopback calls its listener maker before it resolves')
  const { compute, save, workspace } = handlers
  const tls = options.tls && (await serveTls(options.tls, workspace))
  return {
    url: server.url,
    port: server.port,
    dataPlaneUrl: dataPlane.url,
    tlsUrl: tls?.url ?? null,
    workspaceId,
    compute,
    async stop() {
      await Promise.all([server.close(), dataPlane.close(), tls?.close()])
      save()
    }
  }
}
