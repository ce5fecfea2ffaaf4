/**
 * What a workspace answers on its two hosts: its own, and the data plane's for route-optimized endpoints.
 * Owns: the order in which the parts are asked. May touch: everything below this folder.
 * Never: listens.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { ControlAnswer } from '../simulation/control.ts'
import { readBody, replayed, sendJson } from '../simulation/exchange.ts'
import type { Recorder } from '../simulation/recorder.ts'
import type { SigningKey } from '../simulation/signing-key.ts'
import { type AccountState, accountRoutes } from './api/account.ts'
import type { WorkspaceDeps } from './api/answer.ts'
import { createCommands } from './api/commands.ts'
import { createCompute } from './api/compute.ts'
import { findEndpoint, objectPathOf } from './api/endpoints.ts'
import { identityRoutes } from './api/identity.ts'
import { createJobs } from './api/jobs.ts'
import { createResultLinks, storagePath } from './api/result-links.ts'
import { createServing } from './api/serving.ts'
import { bytesOf, chunkCount } from './api/statement-result.ts'
import { createStatements } from './api/statements.ts'
import { interact, prepareAuthorize } from './authorize.ts'
import { exchangeForDataPlane } from './data-plane-tokens.ts'
import { answerApi, isApiPath } from './edge.ts'
import { exchangeFederated } from './federated-tokens.ts'
import { type BearerClaims, createIssuedTokens } from './issued-tokens.ts'
import { hostMetadata, oauthMetadata } from './metadata.ts'
import { createOAuth } from './oauth.ts'
import { createThrift } from './thrift/service.ts'
import { layManners, noteForm, readForm } from './token-endpoint.ts'
import type { TokenExchange } from './token-exchange.ts'

export interface HandlerDeps extends WorkspaceDeps, AccountState {
  readonly name: string
  readonly key: SigningKey
  readonly stateFile: string | undefined
  readonly recorder: Recorder
  readonly control: (req: IncomingMessage, body: Buffer) => ControlAnswer
  readonly log: (line: string) => void
}

export type Handlers = ReturnType<typeof createHandlers>

export function createHandlers(all: HandlerDeps) {
  const { origin, dataPlaneOrigin, workspaceId, registry, faults, clock } = all
  const {
    accountId,
    federationPolicies: policies,
    name,
    key,
    stateFile,
    recorder,
    control,
    log
  } = all
  const port = Number(new URL(origin).port)
  const issued = createIssuedTokens(key, `${origin}/oidc`, () => clock.now().getTime())
  faults.onChange((names) => {
    if (names.includes('invalidateAccessTokens') && faults.current.invalidateAccessTokens) {
      issued.killAll()
    }
  })
  const oauth = { origin, port, accountId, registry, faults, issued, key, clock, stateFile }
  const { provider, store } = createOAuth(oauth)
  const exchanges = new WeakMap<IncomingMessage, TokenExchange>()
  const exchangeOf = (req: IncomingMessage) => exchanges.get(req)
  prepareAuthorize(provider, registry)
  layManners({ provider, store, faults, exchangeOf, cut: recorder.cutOnPurpose })
  const minting = { provider, issued, key, clock, faults, exchangeOf }
  exchangeForDataPlane(minting)
  exchangeFederated({ ...minting, accountId, registry, policies })
  provider.on('server_error', (_ctx, error) => log(`${name}: ${error.message}`))
  const callback = provider.callback()

  const deps: WorkspaceDeps = { origin, dataPlaneOrigin, workspaceId, registry, faults, clock }
  const compute = createCompute(deps)
  const serving = createServing(deps)
  const links = createResultLinks(deps)
  const statements = createStatements(deps, compute.warehouses, links)
  const jobs = createJobs(deps)
  const routes = [
    ...identityRoutes(),
    ...accountRoutes(deps, all),
    ...compute.routes(),
    ...serving.routes,
    ...statements.routes,
    ...jobs.routes,
    ...createCommands(deps, compute.cluster).routes,
    ...createThrift(deps, compute.warehouses).routes
  ]
  const edge = { ...deps, issued, recorder, routes }
  const dataPlaneEdge = { ...edge, routes: serving.dataPlaneRoutes, admits: admitsToDataPlane }
  const readChunk = (id: string, chunk: number) => {
    const result = statements.result(id)
    return result && chunk < chunkCount(result) ? bytesOf(result, chunk) : undefined
  }

  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const path = (req.url ?? '/').split('?')[0] ?? '/'
    const body = await readBody(req)
    if (path.startsWith('/_sim/')) {
      const { status, value } = control(req, body)
      return sendJson(res, status, value)
    }
    const entry = recorder.record(req, res, body)
    const { oauthOff } = faults.current
    if (oauthOff !== null && /^\/(oidc|\.well-known)\//.test(path)) {
      if (oauthOff === 'page') return sendLoginPage(res)
      const message = `No API found for '${req.method} ${path}'`
      return sendJson(res, 404, { error_code: 'ENDPOINT_NOT_FOUND', message })
    }
    if (path === '/.well-known/databricks-config') {
      return sendJson(res, 200, hostMetadata(origin, workspaceId, accountId))
    }
    if (/^\/oidc\/\.well-known\/(oauth-authorization-server|openid-configuration)$/.test(path)) {
      const { metadataStatus, metadataBody } = faults.current
      res.writeHead(metadataStatus ?? 200, { 'content-type': 'application/json; charset=UTF-8' })
      return void res.end(metadataBody ?? JSON.stringify(oauthMetadata(origin)))
    }
    if (path.startsWith('/oidc/interaction/')) {
      return interact({ provider, registry, name }, req, res, body)
    }
    if (path.startsWith('/oidc/accounts/') && path !== `/oidc/accounts/${accountId}/v1/token`) {
      return sendJson(res, 404, { error_code: 'ENDPOINT_NOT_FOUND', message: 'No such account' })
    }
    if (path.startsWith('/oidc/')) {
      const isToken = path.endsWith('/v1/token')
      if (isToken) req.url = '/oidc/v1/token'
      const form = readForm(req, body)
      if (isToken) noteForm(entry, form, store)
      const again = replayed(req, body, '/oidc')
      exchanges.set(again, { entry, form })
      await callback(again, res)
      return undefined
    }
    if (path.startsWith(storagePath)) return links.answer(req, res, readChunk)
    if (isApiPath(path)) return answerApi(edge, req, res, body, entry)
    return sendLoginPage(res)
  }
  const handleDataPlane = async (req: IncomingMessage, res: ServerResponse) => {
    const body = await readBody(req)
    return answerApi(dataPlaneEdge, req, res, body, recorder.record(req, res, body))
  }
  const listener =
    (answer: typeof handle): RequestListener =>
    (req, res) => {
      answer(req, res).catch((error: unknown) => {
        log(`${name}: ${error instanceof Error ? error.message : 'unknown error'}`)
        if (!res.headersSent) sendJson(res, 500, { error_code: 'INTERNAL_ERROR', message: '' })
        else res.destroy()
      })
    }
  const [running, stopped] = compute.warehouses.all
  return {
    workspace: listener(handle),
    dataPlane: listener(handleDataPlane),
    save: store.save,
    fireSchedules: jobs.fireSchedules,
    compute: {
      runningWarehouseId: running?.id ?? '',
      stoppedWarehouseId: stopped?.id ?? '',
      runningClusterId: compute.clusters[0]?.id ?? '',
      terminatedClusterId: compute.clusters[1]?.id ?? ''
    }
  }
}

/** Only a token that is down-scoped to just this endpoint. */
function admitsToDataPlane({ isDownScoped, objectPaths }: BearerClaims, path: string): boolean {
  const endpoint = findEndpoint(path.split('/').at(-2))
  return isDownScoped && endpoint !== undefined && objectPaths.includes(objectPathOf(endpoint))
}

/** What a workspace shows under any other path: its login page, as HTML with status 200. */
function sendLoginPage(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  res.end('<!doctype html><title>Databricks - Sign In</title><h1>Sign in to Databricks</h1>')
}
