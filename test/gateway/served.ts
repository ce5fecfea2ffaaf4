import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { asId } from '../../src/base/ids.ts'
import { makeTenantScope } from '../../src/base/tenant-scope.ts'
import type { HttpLimits } from '../../src/http/server-options.ts'
import { anId, appWith, service } from '../http/fakes.ts'
import { listen, open } from '../http/sockets.ts'
import { httpServer } from '../outbound/hostile-server.ts'
import { clock, gatewayAt, type WorldOptions } from './fakes.ts'

const path = '/serving-endpoints/whoami/invocations'

/** A workspace on a real port, with what it has seen. */
export async function workspaceAt(handle: (req: IncomingMessage, res: ServerResponse) => void) {
  let requests = 0
  const server = await httpServer((req, res) => {
    requests += 1
    handle(req, res)
  })
  return { ...server, origin: `http://127.0.0.1:${server.port}`, requests: () => requests }
}
export type Workspace = Awaited<ReturnType<typeof workspaceAt>>

/**
 * The whole way over real sockets: Weft's server, the pipeline, the door outside. Each letter is a fabric of
 * a tenant of its own, at the workspace of its turn.
 */
export async function served(
  workspaces: readonly Pick<Workspace, 'origin' | 'close'>[],
  options: Partial<WorldOptions> & { readonly limits?: Partial<HttpLimits> } = {}
) {
  const letters = ['a', 'b', 'c'] as const
  const origins = workspaces.map(({ origin }) => origin)
  const originOf = (id: string) => origins[letters.findIndex((letter) => id.endsWith(letter))]
  const [workspaceOrigin = ''] = origins
  const made = gatewayAt({
    workspaceOrigin,
    otherOrigins: origins,
    fabricOf: (id) => ({ workspaceOrigin: originOf(id) ?? workspaceOrigin }),
    ...options
  })
  const slowClients = { bodies: 0, readers: 0 }
  const { app, lines } = await appWith({
    gateway: made.gateway,
    deps: { slowClients, clock: options.clock ?? clock, limits: options.limits ?? {} },
    identity: {
      authenticate: async ({ bearer, requestId }) => {
        const letter = bearer?.at(-1) ?? 'a'
        const actor = { kind: 'service_account', id: anId('serviceAccount', letter) } as const
        const authority = { may: () => true, teams: [] }
        const scope = makeTenantScope(anId('tenant', letter), actor, authority, requestId)
        return { scope, via: 'service_key', sessionId: null, keyId: anId('key') }
      }
    }
  })
  const port = await listen(app)
  /** A call through the fabric of `letter`, sent and not yet answered. */
  const send = (letter: (typeof letters)[number] = 'a', query = '') => {
    const fabricId = asId('fabric', `fab_${letter.repeat(26)}`)
    const target = `/fabrics/${fabricId}${path}${query}`
    const req = open(port, {
      method: 'POST',
      path: target,
      headers: { ...service(`wfts_${letter}`), 'content-type': 'application/json' }
    })
    req.on('error', () => {})
    req.end('{}')
    return req
  }
  return {
    ...made,
    app,
    lines,
    port,
    slowClients,
    send,
    close: async () => {
      app.server.closeAllConnections()
      await app.close()
      await made.close()
      await Promise.all(workspaces.map((workspace) => workspace.close()))
    }
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Without what only waits to be collected. */
export function memoryInUse(): NodeJS.MemoryUsage {
  collectGarbage()
  return process.memoryUsage()
}

/** Status and code of an answer, its body read to the end. */
export async function answered(req: ReturnType<Awaited<ReturnType<typeof served>>['send']>) {
  const [res] = (await once(req, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of res) body += chunk
  const code = res.headers['x-weft-problem']
  const retryAfter = res.headers['retry-after']
  return { status: res.statusCode, code, retryAfter, body }
}
