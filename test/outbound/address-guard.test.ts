import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isPublicAddress, isSameAddress, type Lookup } from '../../src/outbound/address-guard.ts'
import type { HostRule } from '../../src/outbound/outbound.ts'
import { failure, failureCode, outboundTo } from './fixtures.ts'
import { httpsServer } from './hostile-server.ts'

describe('E2 which addresses are public', () => {
  it.each(['8.8.8.8', '20.42.4.211', '2600:1f18::1', '64:ff9b::808:808'])(
    'public: %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    }
  )

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.9.9.9',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.192',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '203.0.113.5',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::808:808',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '100::1',
    '4000::1',
    '127.1',
    '2130706433',
    '0x7f.1',
    'workspace.test',
    ''
  ])('not public: %j', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it('knows one address under two spellings', () => {
    expect(isSameAddress('::ffff:127.0.0.1', '127.0.0.1')).toBe(true)
    expect(isSameAddress('2600:0::1', '2600::1')).toBe(true)
    expect(isSameAddress('127.0.0.1', '127.0.0.2')).toBe(false)
    expect(isSameAddress('', '')).toBe(false)
  })
})

describe('E3 DNS rebinding', () => {
  const origin = 'https://dbc-1.cloud.databricks.com'
  const rule: HostRule = { kind: 'origin', origin }
  const publicAddress = { address: '8.8.8.8', family: 4 } as const

  it.each([
    ['loopback', [{ address: '127.0.0.1', family: 4 }]],
    ['metadata', [{ address: '169.254.169.254', family: 4 }]],
    ['public A beside private AAAA', [publicAddress, { address: 'fd00::1', family: 6 }]],
    ['one private among 50', [...Array(49).fill(publicAddress), { address: '10.0.0.1', family: 4 }]]
  ] as const)(
    'an answer with %s is refused as a whole, on every way out',
    async (_name, answer) => {
      const outbound = outboundTo([], async () => answer)
      const request = { url: origin, rule, method: 'GET' }
      expect(await failureCode(outbound.request(request))).toBe('host_not_allowed')
      expect(await failureCode(outbound.probe.resolve(origin, rule))).toBe('host_not_allowed')
      expect(await failureCode(outbound.probe.connect(origin, rule))).toBe('host_not_allowed')
      const get = { method: 'GET', headers: {}, redirect: 'manual' } as const
      expect(await failureCode(outbound.fetchFor(rule)(origin, get))).toBe('host_not_allowed')
      await outbound.destroy()
    }
  )

  it('a name that turns to loopback after the first look is refused at the second', async () => {
    const server = await httpsServer((_req, res) => res.end())
    const answers = [publicAddress, { address: '127.0.0.1', family: 4 } as const]
    const lookup: Lookup = async () => [answers.shift() ?? publicAddress]
    const outbound = outboundTo([], lookup)
    const open = `https://rebind.test:${server.port}`
    const anyHost: HostRule = { kind: 'public' }
    expect(await outbound.probe.resolve(open, anyHost)).toEqual([publicAddress])
    const second = outbound.request({ url: open, rule: anyHost, method: 'GET' })
    expect(await failureCode(second)).toBe('host_not_allowed')
    expect(server.connections()).toBe(0)
    await outbound.destroy()
    await server.close()
  })

  it('the name is looked up once for each connection, and the connection goes nowhere else', async () => {
    const server = await httpsServer((_req, res) => res.end('here'))
    const named = `https://workspace.test:${server.port}`
    let lookups = 0
    const outbound = outboundTo([named], async () => {
      lookups += 1
      return [{ address: lookups === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]
    })
    const call = { url: named, rule: { kind: 'origin', origin: named }, method: 'GET' } as const
    expect((await outbound.request(call)).body.toString()).toBe('here')
    await nextTurn() // a connection is handed on one turn of the event loop after its answer
    await nextTurn()
    expect((await outbound.request(call)).body.toString()).toBe('here')
    expect(lookups).toBe(1)
    expect(server.connections()).toBe(1)
    await outbound.destroy()
    await server.close()
  })
})

describe('E9 names and doors that do not open', () => {
  const rule: HostRule = { kind: 'public' }

  it('a name without addresses is dns_failed, and the resolver’s own words stay here', async () => {
    const refusing = outboundTo([], async () => {
      throw Object.assign(new TypeError('secret resolver text'), { code: 'ENOTFOUND' })
    })
    const err = await failure(refusing.probe.resolve('https://nowhere.test', rule))
    expect([err.code, err.note, err.cause]).toEqual(['dns_failed', 'ENOTFOUND', undefined])
    const empty = outboundTo([], async () => [])
    expect(await failureCode(empty.probe.resolve('https://nowhere.test', rule))).toBe('dns_failed')
  })

  it('a closed door and the next address: the second one is tried', async () => {
    const server = await httpsServer((_req, res) => res.end('here'))
    const named = `https://workspace.test:${server.port}`
    const outbound = outboundTo([named], async () => [
      { address: '127.0.0.3', family: 4 },
      { address: '127.0.0.1', family: 4 }
    ])
    const answer = await outbound.request({ url: named, rule, method: 'GET' })
    expect(answer.body.toString()).toBe('here')
    await outbound.destroy()
    await server.close()
    expect(await failureCode(outboundTo([named]).probe.connect(named, rule))).toBe(
      'workspace_unreachable'
    )
  })
})
