/**
 * A simulated Databricks workspace on `http://localhost:{port}`, which also fails the way Databricks fails.
 * Owns: the server and the order in which its parts are asked. May touch: everything below this folder.
 * Never: knows Weft.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../../base/clock.ts'
import { createControl } from '../simulation/control.ts'
import { readBody, replayed, sendJson } from '../simulation/exchange.ts'
import { createFaultBoard } from '../simulation/faults.ts'
import { serveLoopback } from '../simulation/loopback.ts'
import { createRecorder, type LogEntry } from '../simulation/recorder.ts'
import { signingKey } from '../simulation/signing-key.ts'
import type { WorkspaceDeps } from './api/answer.ts'
import { createCompute } from './api/compute.ts'
import { identityRoutes } from './api/identity.ts'
import { createJobs } from './api/jobs.ts'
import { createServing } from './api/serving.ts'
import { createStatements } from './api/statements.ts'
import { interact, prepareAuthorize } from './authorize.ts'
import { answerApi, isApiPath } from './edge.ts'
import { createIssuedTokens } from './issued-tokens.ts'
import { hostMetadata, oauthMetadata } from './metadata.ts'
import { createOAuth } from './oauth.ts'
import { type CustomApp, createRegistry, type Person, type ServicePrincipal } from './registry.ts'
import { layManners, noteForm, readForm } from './token-endpoint.ts'

export type { CustomApp, Person, ServicePrincipal } from './registry.ts'

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
  readonly servicePrincipals?: readonly ServicePrincipal[]
  /** Path without ending; what was issued and the signing key are kept there across starts. */
  readonly stateFile?: string
  readonly clock?: Clock
  readonly log?: (line: string) => void
}

export interface RunningDatabricks {
  readonly url: string
  readonly port: number
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
  const faults = createFaultBoard()
  const recorder = createRecorder(clock)
  const { people, apps = [], servicePrincipals = [], workspaceId, name } = options
  const registry = createRegistry(people, apps, servicePrincipals)
  const control = createControl(faults, recorder, {
    '/_sim/apps': registry.putApp,
    '/_sim/service-principals': registry.putServicePrincipal
  })
  let ids: RunningDatabricks['compute'] | undefined
  let save = () => {}

  const server = await serveLoopback(options.port, (origin) => {
    const port = Number(new URL(origin).port)
    const issued = createIssuedTokens(key, `${origin}/oidc`, () => clock.now().getTime())
    faults.onChange((names) => {
      if (names.includes('invalidateAccessTokens') && faults.current.invalidateAccessTokens) {
        issued.killAll()
      }
    })
    const stateFile = options.stateFile && `${options.stateFile}.tokens.json`
    const oauth = { origin, port, accountId, registry, faults, issued, key, clock, stateFile }
    const { provider, store } = createOAuth(oauth)
    save = store.save
    const entries = new WeakMap<IncomingMessage, LogEntry>()
    const entryOf = (req: IncomingMessage) => entries.get(req)
    prepareAuthorize(provider, registry)
    layManners({ provider, store, faults, entryOf, cut: recorder.cutOnPurpose })
    provider.on('server_error', (_ctx, error) => log(`${name}: ${error.message}`))
    const callback = provider.callback()

    const deps: WorkspaceDeps = { origin, workspaceId, registry, faults, clock }
    const compute = createCompute(deps)
    ids = {
      runningWarehouseId: compute.warehouses[0]?.id ?? '',
      stoppedWarehouseId: compute.warehouses[1]?.id ?? '',
      runningClusterId: compute.clusters[0]?.id ?? '',
      terminatedClusterId: compute.clusters[1]?.id ?? ''
    }
    const routes = [
      ...identityRoutes(),
      ...compute.routes(),
      ...createServing(deps).routes,
      ...createStatements(deps, compute.warehouse).routes,
      ...createJobs(deps).routes
    ]
    const edge = { ...deps, issued, recorder, routes }

    const handle = async (req: IncomingMessage, res: ServerResponse) => {
      const path = (req.url ?? '/').split('?')[0] ?? '/'
      const body = await readBody(req)
      if (path.startsWith('/_sim/')) {
        const { status, value } = control(req, body)
        return sendJson(res, status, value)
      }
      const entry = recorder.record(req, res, body)
      if (path === '/.well-known/databricks-config') {
        return sendJson(res, 200, hostMetadata(origin, workspaceId, accountId))
      }
      if (/^\/oidc\/\.well-known\/(oauth-authorization-server|openid-configuration)$/.test(path)) {
        return sendJson(res, 200, oauthMetadata(origin))
      }
      if (path.startsWith('/oidc/interaction/')) {
        return interact({ provider, registry, name }, req, res, body)
      }
      if (path.startsWith('/oidc/')) {
        if (path === '/oidc/v1/token') noteForm(entry, readForm(req, body), store)
        const again = replayed(req, body, '/oidc')
        entries.set(again, entry)
        await callback(again, res)
        return undefined
      }
      if (isApiPath(path)) return answerApi(edge, req, res, body, entry)
      return sendLoginPage(res)
    }
    const listener: RequestListener = (req, res) => {
      handle(req, res).catch((error: unknown) => {
        log(`${name}: ${error instanceof Error ? error.message : 'unknown error'}`)
        if (!res.headersSent) sendJson(res, 500, { error_code: 'INTERNAL_ERROR', message: '' })
        else res.destroy()
      })
    }
    return listener
  })
  if (!ids) throw new TypeError('serveLoopback calls its listener maker before it resolves')
  const stop = async () => {
    await server.close()
    save()
  }
  return { url: server.url, port: server.port, workspaceId, compute: ids, stop }
}

/** What a workspace shows under any other path: its login page, as HTML with status 200. */
function sendLoginPage(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  res.end('<!doctype html><title>Databricks - Sign In</title><h1>Sign in to Databricks</h1>')
}
