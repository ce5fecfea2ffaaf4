import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { CertificateName } from '../support/tls/certificates.ts'
import { canary, failure, failureCode } from './fixtures.ts'
import { httpsServer, tcpServer } from './hostile-server.ts'

import { place } from './place.ts'

describe('E7 B11 TLS', () => {
  it.each([
    ['expired', 'workspace.test', 'CERT_HAS_EXPIRED'],
    ['wrong-name', 'workspace.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', 'workspace.test', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['valid', 'a.b.zone.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['valid', 'zone.test', 'ERR_TLS_CERT_ALTNAME_INVALID']
  ] as const)(
    'a certificate that is %s fails for %s, and no byte is sent',
    async (name, host, note) => {
      let requests = 0
      const server = await httpsServer((_req, res) => {
        requests += 1
        res.end()
      }, name satisfies CertificateName)
      const { get, origin, rule, outbound } = place(server, { host })
      const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
      for (const value of [undefined, '0']) {
        if (value !== undefined) process.env.NODE_TLS_REJECT_UNAUTHORIZED = value
        const err = await failure(get({ bearer: new Secret(canary) }))
        const probed = await failure(outbound.probe.connect(origin, rule))
        if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
        expect([err.code, err.note, probed.code]).toEqual(['tls_failed', note, 'tls_failed'])
      }
      expect(requests).toBe(0)
    }
  )

  it.each(['x.zone.test', 'workspace.test', '127.0.0.1'])(
    'a certificate for %s passes',
    async (host) => {
      const { get, outbound, origin, rule } = place(
        await httpsServer((_req, res) => res.end('ok')),
        { host }
      )
      expect((await get()).status).toBe(200)
      await outbound.probe.connect(origin, rule)
    }
  )

  it('TLS before 1.2 fails', async () => {
    const server = await httpsServer((_req, res) => res.end(), 'valid', {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0'
    })
    expect(await failureCode(place(server).get())).toBe('tls_failed')
  })

  it('a server that speaks no TLS, or hangs up in the handshake, is tls_failed', async () => {
    for (const talk of [
      (s: { end(t: string): void }) => s.end('hello'),
      (s: { destroy(): void }) => s.destroy()
    ]) {
      expect(await failureCode(place(await tcpServer(talk)).get())).toBe('tls_failed')
    }
  })
})
