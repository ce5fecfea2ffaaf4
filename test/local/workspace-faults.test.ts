import { createHash } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  machineToken,
  principal,
  readLog,
  resetFaults,
  setFaults,
  startWorkspace
} from './workspace-support.ts'

let workspace: RunningDatabricks
let token: string
beforeAll(async () => {
  workspace = await startWorkspace()
  token = (await machineToken(workspace.url, principal)).body.access_token
})
afterEach(() => resetFaults(workspace.url))
afterAll(() => workspace.stop())

const list = '/api/2.0/serving-endpoints'
const me = '/api/2.0/preview/scim/v2/Me'

interface RawAnswer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** When each piece came, on the monotonic clock. */
  readonly piecesAtMs: readonly number[]
  /** The code of what cut the answer short. */
  readonly cut: string | undefined
}

/** Bytes as they come off the wire, nothing decoded. */
function raw(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<RawAnswer>((resolve, reject) => {
    const all = { authorization: `Bearer ${token}`, ...headers }
    let isAnswered = false
    const req = request(`${workspace.url}${path}`, { method, headers: all }, (res) => {
      isAnswered = true
      const pieces: Buffer[] = []
      const piecesAtMs: number[] = []
      const finish = (cut?: string) =>
        resolve({
          status: res.statusCode,
          headers: res.headers,
          body: Buffer.concat(pieces),
          piecesAtMs,
          cut
        })
      res.on('data', (piece: Buffer) => {
        pieces.push(piece)
        piecesAtMs.push(performance.now())
      })
      res.once('end', () => finish())
      res.once('error', (error: NodeJS.ErrnoException) => finish(error.code))
    })
    req.on('error', (error) => {
      if (!isAnswered) reject(error)
    })
    req.end()
  })
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function lastAnswer(): Promise<object> {
  return (await readLog(workspace.url)).at(-1) ?? {}
}

describe('imposed answers', () => {
  test.each([
    ['json', /^application\/json/, /^\{"error_code":"TEMPORARILY_UNAVAILABLE"/],
    ['html', /^text\/html/, /<pre>\s+The workspace answers 503\.<\/pre>/],
    ['text', /^text\/plain/, /^TEMPORARILY_UNAVAILABLE: /]
  ])('503 as %s', async (apiErrorForm, type, text) => {
    await setFaults(workspace.url, { apiStatus: 503, apiErrorForm })
    const { status, headers, body } = await raw(me)
    expect(status).toBe(503)
    expect(headers['content-type']).toMatch(type)
    expect(body.toString()).toMatch(text)
  })

  test('429 without Retry-After, with seconds, with a date', async () => {
    await setFaults(workspace.url, { apiStatus: 429 })
    expect((await raw(me)).headers['retry-after']).toBeUndefined()
    await setFaults(workspace.url, { apiRetryAfterSeconds: 7 })
    expect((await raw(me)).headers['retry-after']).toBe('7')
    await setFaults(workspace.url, { apiRetryAfterDate: true })
    const at = new Date(String((await raw(me)).headers['retry-after'])).getTime()
    expect(at - Date.now()).toBeGreaterThan(5000)
  })

  test('befall only so many calls, and only the paths that are named', async () => {
    await setFaults(workspace.url, { apiStatus: 500, apiFaultTimes: 2, apiFaultPath: list })
    const statuses: (number | undefined)[] = []
    for (const path of [me, list, me, list, list]) statuses.push((await raw(path)).status)
    expect(statuses).toEqual([200, 500, 200, 500, 200])
  })

  test('an answer byte for byte, whatever its bytes', async () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13, 0])
    await setFaults(workspace.url, {
      apiBodyBase64: bytes.toString('base64'),
      apiContentType: 'application/octet-stream'
    })
    const { status, headers, body } = await raw(me)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/octet-stream')
    expect(body).toEqual(bytes)
    expect(await lastAnswer()).toMatchObject({ answerSha256: sha256(bytes), answerBytes: 6 })
  })

  test.each([204, 304])('%i has no body', async (apiStatus) => {
    await setFaults(workspace.url, { apiStatus })
    const { status, headers, body } = await raw(me)
    expect(status).toBe(apiStatus)
    expect(headers['content-length']).toBeUndefined()
    expect(body).toHaveLength(0)
  })

  test('HEAD tells the length of what GET would send, and sends nothing', async () => {
    const whole = await raw(list)
    const { status, headers, body } = await raw(list, {}, 'HEAD')
    expect(status).toBe(200)
    expect(headers['content-length']).toBe(String(whole.body.length))
    expect(body).toHaveLength(0)
  })

  test('what is not a fault, or not its value, changes nothing', async () => {
    const patch = (body: object) => {
      return api(workspace.url, '/_sim/faults', undefined, { method: 'PATCH', body })
    }
    for (const body of [{ dripBytes: 0 }, { apiErrorForm: 'xml' }, { apiStatus: 503, nope: 1 }]) {
      expect((await patch(body)).status).toBe(400)
    }
    expect((await raw(me)).status).toBe(200)
    expect((await patch({ gzipAnswers: true })).body).toMatchObject({ gzipAnswers: true })
    expect((await patch({ gzipAnswers: null })).body).toMatchObject({ gzipAnswers: false })
  })
})

describe('connections', () => {
  test('dropApiAnswer reads the call and resets the connection; nothing is done', async () => {
    await setFaults(workspace.url, { dropApiAnswer: true })
    await expect(raw(me)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await lastAnswer()).toMatchObject({ path: me, status: null, aborted: false })
  })

  test('bodyCutAfterBytes resets in mid-body, which is not the client leaving', async () => {
    const whole = await raw(list)
    await setFaults(workspace.url, { bodyCutAfterBytes: 100 })
    const { status, headers, body, cut } = await raw(list)
    expect(status).toBe(200)
    expect(headers['content-length']).toBe(String(whole.body.length))
    expect(body).toEqual(whole.body.subarray(0, 100))
    expect(cut).toBe('ECONNRESET')
    await expect.poll(lastAnswer).toMatchObject({
      aborted: false,
      answerBytes: 100,
      answerSha256: sha256(body)
    })
  })

  test('dripBytes lets a body drip', async () => {
    const whole = await raw(me)
    const piece = Math.ceil(whole.body.length / 4)
    await setFaults(workspace.url, { dripBytes: piece, dripDelayMs: 60 })
    const { body, piecesAtMs } = await raw(me)
    expect(body).toEqual(whole.body)
    expect((piecesAtMs.at(-1) ?? 0) - (piecesAtMs[0] ?? 0)).toBeGreaterThan(150)
  })
})

describe('gzip', () => {
  test.each([
    ['gzip', true],
    ['br, GZIP;q=0.5', true],
    ['*', true],
    ['gzip;q=0', false],
    ['identity', false]
  ])('accept-encoding %s', async (accepted, isZipped) => {
    const plain = await raw(list)
    await setFaults(workspace.url, { gzipAnswers: true })
    const { headers, body } = await raw(list, { 'accept-encoding': accepted })
    expect(headers['content-encoding']).toBe(isZipped ? 'gzip' : undefined)
    expect(headers.vary).toBe('Accept-Encoding')
    expect(isZipped ? gunzipSync(body) : body).toEqual(plain.body)
    expect(await lastAnswer()).toMatchObject({
      answerSha256: sha256(body),
      answerBytes: body.length
    })
  })
})
