import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import type { GatewayCall } from '../../src/gateway/gateway.ts'
import type { ScopedTokens } from '../../src/gateway/serving-routes.ts'
import { httpServer } from '../outbound/hostile-server.ts'
import { aCall, aSink, clock, gatewayAt, grantId, path, type WorldOptions } from './fakes.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const detail = {
  type: 'workspace_permission',
  object_type: 'serving-endpoints',
  object_path: '/serving-endpoints/0123456789abcdef0123456789abcdef',
  actions: ['query_inference_endpoint']
}
const details = JSON.stringify([detail])
const ownPath = '/123/serving-endpoints/whoami/invocations'

/** A workspace that describes its endpoints as it is told, and a data plane beside it. */
async function world(
  describe: (dataPlane: string) => unknown,
  options: Partial<WorldOptions> & {
    onDataPlane?: RequestListener
    isUnnamed?: boolean
    isTokenDead?: (authorization: string | undefined) => boolean
  } = {}
) {
  const lines = { workspace: [] as string[], dataPlane: [] as string[] }
  const asked: { details: string; rejected: number | undefined }[] = []
  let aheadMs = 0
  const dataPlane = await httpServer((req, res) => {
    req.resume()
    lines.dataPlane.push(`${req.method} ${req.url} ${req.headers.authorization}`)
    if (options.onDataPlane) options.onDataPlane(req, res)
    else res.end('own')
  })
  const dataPlaneOrigin = `http://127.0.0.1:${dataPlane.port}`
  const workspace = await httpServer((req, res) => {
    req.resume()
    lines.workspace.push(`${req.method} ${req.url}`)
    if (req.method === 'POST') return void res.end('workspace')
    if (options.isTokenDead?.(req.headers.authorization)) {
      return void res.writeHead(401).end('{"error_code":401,"message":"Token is expired"}')
    }
    const answer = describe(dataPlaneOrigin)
    res.writeHead(answer === null ? 500 : 200, { 'content-type': 'application/json' })
    return void res.end(JSON.stringify(answer ?? {}))
  })
  const scopedTokens: ScopedTokens = {
    async scopedToken(_scope, _fabric, authorizationDetails, _minLifeMs, tokenOptions) {
      const rejected = tokenOptions?.rejectedGeneration
      asked.push({ details: authorizationDetails, rejected })
      const generation = (rejected ?? 0) + 1
      const expiresAt = new Date(clock.now().getTime() + 3_600_000)
      const token = new Secret(`scoped-${generation}`)
      return { token, grantId, expiresAt, generation, scope: null, source: 'cached' }
    }
  }
  const made = gatewayAt({
    workspaceOrigin: `http://127.0.0.1:${workspace.port}`,
    otherOrigins: options.isUnnamed ? [] : [dataPlaneOrigin],
    clock: { now: clock.now, monotonicMs: () => clock.monotonicMs() + aheadMs },
    scopedTokens,
    ...options
  })
  closers.push(made.close, workspace.close, dataPlane.close)
  const ask = async (more: Partial<GatewayCall> = {}) => {
    const client = aSink()
    const code = await made.gateway.handle(aCall(more), client.sink).then(
      () => null,
      (error: unknown) => (error instanceof AppError ? error.code : String(error))
    )
    return code ?? client.body().toString()
  }
  const pass = (ms: number) => {
    aheadMs += ms
  }
  return { ...made, ask, asked, lines, pass }
}

function routed(url: string, authorizationDetails: unknown = details) {
  return {
    route_optimized: true,
    data_plane_info: {
      query_info: { endpoint_url: url, authorization_details: authorizationDetails }
    }
  }
}

const lookUp = 'GET /api/2.0/serving-endpoints/whoami'

describe('an endpoint with a data plane of its own', () => {
  test('is asked there, with a token that opens nothing else', async () => {
    const { ask, asked, lines, events } = await world((at) => routed(at + ownPath))
    expect(await ask({ query: 'a=1' })).toBe('own')
    expect(lines.dataPlane).toEqual([`POST ${ownPath}?a=1 Bearer scoped-1`])
    expect(lines.workspace).toEqual([lookUp])
    expect(asked).toEqual([{ details, rejected: undefined }])
    expect(events).toHaveLength(1)
  })

  test('is looked up once for many calls, and again after some minutes', async () => {
    const { ask, lines, pass } = await world((at) => routed(at + ownPath))
    await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect(lines.workspace).toEqual([lookUp])
    pass(299_000)
    await ask()
    expect(lines.workspace).toHaveLength(1)
    pass(2_000)
    await ask()
    expect(lines.workspace).toEqual([lookUp, lookUp])
  })

  test('that refuses the token is asked once more with a fresh one', async () => {
    const { ask, asked } = await world((at) => routed(at + ownPath), {
      onDataPlane: (req, res) => {
        const isFresh = req.headers.authorization === 'Bearer scoped-2'
        res.writeHead(isFresh ? 200 : 401).end('own')
      }
    })
    expect(await ask()).toBe('own')
    expect(asked.map(({ rejected }) => rejected)).toEqual([undefined, 1])
  })

  test('is asked there by a person too', async () => {
    const fabric = { identity: 'user' } as const
    const { ask, lines } = await world((at) => routed(at + ownPath), { fabric })
    expect(await ask()).toBe('own')
    expect(lines.dataPlane).toEqual([`POST ${ownPath} Bearer scoped-1`])
  })

  test('is not looked up for a caller whose list does not name it', async () => {
    const fabric = { endpoints: new Set(['other']) }
    const { ask, lines } = await world((at) => routed(at + ownPath), { fabric })
    expect(await ask()).toBe('endpoint_not_allowed')
    expect(lines.workspace).toEqual([])
  })

  test('leaves every other endpoint at the workspace', async () => {
    const { ask, lines } = await world(() => ({ route_optimized: false }))
    expect(await ask()).toBe('workspace')
    expect(await ask()).toBe('workspace')
    expect(lines.workspace).toEqual([lookUp, `POST ${path}`, `POST ${path}`])
  })

  test('whose discovery fails is asked at the workspace, and looked up again soon', async () => {
    let isDown = true
    const { ask, lines, pass } = await world((at) => (isDown ? null : routed(at + ownPath)))
    expect(await ask()).toBe('workspace')
    isDown = false
    expect(await ask()).toBe('workspace')
    expect(lines.workspace.filter((line) => line === lookUp)).toHaveLength(1)
    pass(31_000)
    expect(await ask()).toBe('own')
  })

  test('is found with a fresh token where the first one died before its time', async () => {
    const isTokenDead = (authorization: string | undefined) => authorization === 'Bearer token-1'
    const { ask, lines } = await world((at) => routed(at + ownPath), { isTokenDead })
    expect(await ask()).toBe('own')
    expect(lines.workspace).toEqual([lookUp, lookUp])
  })

  test('E10 F45 on a host that nobody named never gets a token', async () => {
    const { ask, asked, lines } = await world((at) => routed(at + ownPath), { isUnnamed: true })
    expect(await ask()).toBe('workspace')
    expect([asked, lines.dataPlane]).toEqual([[], []])
  })

  test.each([
    ['another host', 'https://evil.example'],
    ['a host that looks alike', 'https://x.serving.cloud.databricks.com.evil.example'],
    ['the zone itself', 'https://serving.cloud.databricks.com'],
    ["users' own content", 'https://app.aws.databricksapps.com'],
    ['plain http', 'http://x.serving.cloud.databricks.com'],
    ['another port', 'https://x.serving.cloud.databricks.com:8443'],
    ['a user name', 'https://a@x.serving.cloud.databricks.com'],
    ['an address', 'https://169.254.169.254']
  ])('E1 at %s never gets a token', async (_what, origin) => {
    const { ask, asked } = await world(() => routed(origin + ownPath))
    expect(await ask()).toBe('workspace')
    expect(asked).toEqual([])
  })

  test.each([
    ['/123/serving-endpoints/other/invocations', details],
    ['/serving-endpoints/whoami/invocations', details],
    ['/123/serving-endpoints/whoami/../other/invocations', details],
    [`${ownPath}?x=1`, details],
    [ownPath, JSON.stringify([{ ...detail, actions: ['manage_inference_endpoint'] }])],
    [ownPath, JSON.stringify([{ ...detail, actions: [...detail.actions, 'manage'] }])],
    [ownPath, JSON.stringify([{ ...detail, object_type: 'clusters' }])],
    [ownPath, JSON.stringify([{ ...detail, object_path: '/serving-endpoints/../jobs/1' }])],
    [ownPath, JSON.stringify([detail, detail])],
    [ownPath, JSON.stringify(detail)],
    [ownPath, 'all'],
    [ownPath, 7]
  ])('described as %s with %j is asked at the workspace', async (at, given) => {
    const { ask, asked } = await world((dataPlane) => routed(dataPlane + at, given))
    expect(await ask()).toBe('workspace')
    expect(asked).toEqual([])
  })
})
