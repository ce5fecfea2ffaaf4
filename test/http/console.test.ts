import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/http/route.ts'
import { anonymous, appWith } from './fakes.ts'
import { call, listen } from './sockets.ts'

let app: App
let port: number
let script: string

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  call(port, { method, path, headers: { ...anonymous, ...headers } })
const scriptIn = (html: string) => /<script[^>]+src="([^"]+)"/.exec(html)?.[1] ?? ''

beforeAll(async () => {
  app = (await appWith()).app
  port = await listen(app)
  script = scriptIn((await ask('/console')).body.toString())
})
afterAll(() => app.close())

describe('the document of the pages', () => {
  test.each(['/console', '/console/', '/console/fabrics/fab_1/usage'])(
    '200 %s answers it, never to be stored',
    async (path) => {
      const answer = await ask(path)
      expect(answer.status).toBe(200)
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff'
      })
      expect(scriptIn(answer.body.toString())).toBe(script)
    }
  )

  test('F10 each answer has a nonce of its own, and its policy allows nothing inline without it', async () => {
    const answers = await Promise.all([ask('/console'), ask('/console')])
    const nonces = answers.map(({ headers, body }) => {
      const policy = String(headers['content-security-policy'])
      const [, nonce = ''] = /script-src 'self' 'nonce-([\w-]{24})'/.exec(policy) ?? []
      expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`)
      expect(policy).toContain("connect-src 'self'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toMatch(/unsafe|https?:|data:|\*/)
      expect(body.toString()).toContain(`nonce="${nonce}"`)
      expect(body.toString()).not.toContain('{{')
      return nonce
    })
    expect(new Set(nonces).size).toBe(2)
  })

  test('names its files behind the path of the public URL', async () => {
    const { app: prefixed } = await appWith({ deps: { publicUrl: 'http://weft.test/tools/weft' } })
    const { body } = await prefixed.inject({ url: '/console/audit', headers: anonymous })
    expect(scriptIn(body)).toBe(`/tools/weft${script}`)
    expect(body).toContain('name="weft-prefix" content="/tools/weft"')
    await prefixed.close()
  })

  test.each(['/console/..%2fapi', '/console/a%00b', '/console//evil', '/console/assets/none.js'])(
    '404 %s is no page',
    async (path) => {
      expect((await ask(path)).status).toBe(404)
    }
  )
})

describe('the files of the pages', () => {
  test('200 is for good, in the best coding that is asked for, the same bytes in each', async () => {
    const plain = await ask(script)
    expect(plain.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding'
    })
    const br = await ask(script, { 'accept-encoding': 'gzip, br' })
    expect(br.headers['content-encoding']).toBe('br')
    expect(brotliDecompressSync(br.body).equals(plain.body)).toBe(true)
    const gzip = await ask(script, { 'accept-encoding': 'br;q=0, gzip' })
    expect(gzip.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true)
  })

  test('304 where the client has it already', async () => {
    const { headers } = await ask(script)
    const again = await ask(script, { 'if-none-match': String(headers.etag) })
    expect([again.status, again.body.length]).toEqual([304, 0])
  })

  test('200 HEAD tells the same head and no body', async () => {
    const [head, get] = [await ask(script, {}, 'HEAD'), await ask(script)]
    expect([head.status, head.body.length]).toEqual([200, 0])
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
    expect(head.headers.etag).toBe(get.headers.etag)
  })
})
