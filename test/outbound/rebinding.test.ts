import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { HostRule, Outbound } from '../../src/outbound/outbound.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { canary, failureCode, listen, outboundTo } from './fixtures.ts'
import { httpServer, httpsServer, type TestServer } from './hostile-server.ts'

const host = 'rebind.zone.test'
const publicAddress = '8.8.8.8'
const anyHost: HostRule = { kind: 'public' }

let dns: DnsServer
let inside: TestServer
let heard = 0
beforeAll(async () => {
  dns = await startDnsServer()
  inside = await httpsServer((_req, res) => {
    heard += 1
    res.end('inside')
  })
})
afterAll(async () => {
  await inside.close()
  await dns.close()
})
beforeEach(() => {
  dns.asked.length = 0
  dns.script.clear()
  heard = 0
})

async function withOutbound(
  extraOrigins: readonly string[],
  work: (outbound: Outbound) => Promise<void>
): Promise<void> {
  const outbound = outboundTo(extraOrigins, dns.lookup)
  await work(outbound).finally(outbound.destroy)
}

describe('E3 DNS rebinding, with a name server that changes its mind', () => {
  const origin = () => `https://${host}:${inside.port}`
  const ways: readonly (readonly [string, (outbound: Outbound) => Promise<unknown>])[] = [
    [
      'a control call',
      (out) =>
        out.request({ url: origin(), rule: anyHost, method: 'GET', bearer: new Secret(canary) })
    ],
    [
      'a token call',
      (out) =>
        out.fetchFor(anyHost)(`${origin()}/oidc/v1/token`, {
          method: 'POST',
          headers: {},
          body: new URLSearchParams({ client_secret: canary }),
          redirect: 'manual'
        })
    ],
    ['a probe', (out) => out.probe.connect(origin(), anyHost)],
    ['a stream', (out) => listen(out, origin(), { rule: anyHost }).end]
  ]

  it.each(ways)('public at the first look, loopback at %s: not one packet', async (_, way) => {
    await withOutbound([], async (outbound) => {
      dns.script.set(host, [[publicAddress], ['127.0.0.1']])
      const before = inside.connections()
      expect(await outbound.probe.resolve(origin(), anyHost)).toEqual([
        { address: publicAddress, family: 4 }
      ])
      expect(await failureCode(way(outbound))).toBe('host_not_allowed')
      expect(dns.asked).toEqual([host, host])
      expect(inside.connections() - before).toBe(0)
    })
  })

  it.each(ways)(
    'a public address beside a private one, at %s: refused as a whole',
    async (_, way) => {
      await withOutbound([], async (outbound) => {
        dns.script.set(host, [[publicAddress, '169.254.169.254', '127.0.0.1']])
        const before = inside.connections()
        expect(await failureCode(way(outbound))).toBe('host_not_allowed')
        expect(inside.connections() - before).toBe(0)
      })
    }
  )

  it('the address that was checked is the one that is connected to: nobody asks again in between', async () => {
    await withOutbound([origin()], async (outbound) => {
      dns.script.set(host, [['127.0.0.1'], ['127.0.0.9']])
      const call = { url: origin(), rule: anyHost, method: 'GET' } as const
      expect((await outbound.request(call)).body.toString()).toBe('inside')
      expect(dns.asked).toEqual([host])
      expect(heard).toBe(1)
    })
  })

  it('E2 no name is asked for, where the host is refused by its spelling', async () => {
    await withOutbound([], async (outbound) => {
      const zones: HostRule = { kind: 'zones', zones: ['.zone.test'] }
      for (const url of [
        `http://${host}`,
        `https://${host}:8443`,
        `https://${host}.`,
        `https://user:${canary}@${host}`,
        'https://x.databricksapps.com',
        'https://2130706433/',
        'https://[::ffff:127.0.0.1]/'
      ]) {
        expect(await failureCode(outbound.request({ url, rule: zones, method: 'GET' }))).toBe(
          'host_not_allowed'
        )
      }
      expect(dns.asked).toEqual([])
    })
  })
})

describe('E5 redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    '%i to the inside is an answer, and is not followed',
    async (status) => {
      const location = `https://127.0.0.1:${inside.port}/latest/meta-data`
      const upstream = await httpServer((_req, res) => res.writeHead(status, { location }).end())
      const named = `http://${host}:${upstream.port}`
      dns.script.set(host, [['127.0.0.1']])
      await withOutbound([named], async (outbound) => {
        const before = inside.connections()
        const rule: HostRule = { kind: 'origin', origin: named }
        const bearer = new Secret(canary)
        const answer = await outbound.request({ url: named, rule, method: 'GET', bearer })
        expect(answer.status).toBe(status)
        const streamed = listen(outbound, named)
        expect((await streamed.end).outcome).toBe('complete')
        expect(streamed.heard.status).toBe(status)
        expect(inside.connections() - before).toBe(0)
      })
      await upstream.close()
    }
  )
})
