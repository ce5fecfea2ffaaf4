import type { CustomFetch } from 'openid-client'
import { describe, expect, it } from 'vitest'
import { failureCode, outboundTo } from './fixtures.ts'
import { bodyOf, httpsServer } from './hostile-server.ts'

import { place } from './place.ts'

describe('fetchFor', () => {
  const get = { method: 'GET', headers: {}, redirect: 'manual' } as const

  it('fits the custom fetch of openid-client', () => {
    const fetch: CustomFetch = outboundTo([]).fetchFor({ kind: 'public' })
    expect(fetch).toBeTypeOf('function')
  })

  it('T1 serves a client library: form bodies, its own authorization, plain Responses', async () => {
    const seen: unknown[] = []
    const { outbound, origin, rule } = place(
      await httpsServer(async (req, res) => {
        seen.push(req.headers.authorization, await bodyOf(req))
        res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
      })
    )
    const response = await outbound.fetchFor(rule)(`${origin}/oidc/v1/token`, {
      method: 'POST',
      headers: { authorization: 'Basic abc' },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
      redirect: 'manual'
    })
    expect(seen).toEqual(['Basic abc', 'grant_type=client_credentials'])
    expect(response).toBeInstanceOf(Response)
    expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_grant' }])
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it('B2 T1 another host than the rule names is never called', async () => {
    const here = place(await httpsServer((_req, res) => res.end()))
    const there = place(await httpsServer((_req, res) => res.end()), { host: 'elsewhere.test' })
    const fetch = here.outbound.fetchFor(here.rule)
    for (const url of [
      there.origin,
      'http://169.254.169.254/',
      here.origin.replace('https', 'http')
    ]) {
      expect(await failureCode(fetch(url, get))).toBe('host_not_allowed')
    }
    expect(there.server.connections()).toBe(0)
  })

  it.each([204, 205, 304])('a %i has no body', async (status) => {
    const { outbound, origin, rule } = place(
      await httpsServer((_req, res) => res.writeHead(status).end())
    )
    expect((await outbound.fetchFor(rule)(origin, get)).status).toBe(status)
  })

  it('T3 keeps its byte cap and deadline, and hears its signal', async () => {
    const big = place(await httpsServer((_req, res) => res.end('x'.repeat(5_000))))
    const small = big.outbound.fetchFor(big.rule, { maxBytes: 4_000 })
    expect(await failureCode(small(big.origin, get))).toBe('upstream_unavailable')
    const mute = place(await httpsServer(() => {}))
    const quick = mute.outbound.fetchFor(mute.rule, { deadlineMs: 150 })
    expect(await failureCode(quick(mute.origin, get))).toBe('upstream_timeout')
    const signal = AbortSignal.timeout(50)
    const patient = mute.outbound.fetchFor(mute.rule)
    expect(await failureCode(patient(mute.origin, { ...get, signal }))).toBe('upstream_timeout')
  })
})
