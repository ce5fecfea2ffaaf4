import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { isQuery } from './simulator.ts'
import { question } from './tenancy.ts'
import { headOf, jsonOf, send, sha256 } from './wire.ts'

const invocations = '/serving-endpoints/databricks-llama/invocations'

/** Bytes, both ways, as they are. */
export function passingSuite(world: () => World): void {
  describe('what passes through', () => {
    test.each([
      ['random binary', randomBytes(100_000)],
      ['2 MiB of random binary', randomBytes(2 * 1024 * 1024)],
      ['duplicate members', '{"messages":[],"temperature":1,"temperature":2,"messages":[]}'],
      ['integers of 64 bits', '{"inputs":[9223372036854775807,-9223372036854775808,1e400]}'],
      ['bytes that are no UTF-8', Buffer.from('7b2261223a22ff00c328227d', 'hex')],
      ['a byte order mark and odd spaces', '\ufeff { "inputs" :\t[ 1 ]\r\n} \n']
    ])('a request body of %s reaches the workspace byte for byte', async (_what, body) => {
      await world().workspace.mark()
      await world().ask(invocations, { body })
      const entry = await world().workspace.until(isQuery)
      expect(entry.bodySha256).toBe(sha256(body))
    })

    test('a body of the OpenAI-compatible path too, though its model is read', async () => {
      const body = `{"seed":9223372036854775807, "messages":[{"role":"user","content":"\\u00e9"}],"messages":[{"role":"user","content":"x"}],\n"model":"databricks-llama"}`
      await world().workspace.mark()
      const answer = await world().ask('/serving-endpoints/chat/completions', { body })
      expect(answer.status).toBe(200)
      const entry = await world().workspace.until(isQuery)
      expect(entry.path).toBe('/serving-endpoints/chat/completions')
      expect(entry.bodySha256).toBe(sha256(body))
    })

    test('a chunked body of unknown length', async () => {
      await world().workspace.mark()
      const parts = [randomBytes(70_000), randomBytes(70_000)]
      const headers = world().headers({ 'transfer-encoding': 'chunked' })
      await world().ask(invocations, { headers, body: Buffer.concat(parts) })
      const entry = await world().workspace.until(isQuery)
      expect(entry.bodySha256).toBe(sha256(Buffer.concat(parts)))
    })

    test("the workspace's own errors pass with its status and its words", async () => {
      const answer = await world().ask(invocations, { body: 'no json' })
      expect(answer.status).toBe(400)
      expect(jsonOf(answer)).toMatchObject({ error_code: 'MALFORMED_REQUEST' })
      expect(answer.headers['x-weft-problem']).toBeUndefined()
      expect(answer.headers['x-weft-identity']).toBe('service_principal')
    })

    test("answers carry Weft's facts and shields, and nothing that speaks for its origin", async () => {
      const answer = await world().ask(invocations, { body: question })
      expect(answer.status).toBe(200)
      expect(answer.headers).toMatchObject({
        'x-weft-identity': 'service_principal',
        'x-weft-fabric': world().seeded,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'served-model-name': 'databricks-llama-1'
      })
      expect(answer.headers['content-security-policy']).toMatch(/(^|;\s*)sandbox(;|$)/)
      expect(answer.headers['server-timing']).toMatch(
        /^weft;dur=[\d.]+, upstream;dur=[\d.]+, token;desc=(cached|refreshed)$/
      )
      for (const name of ['set-cookie', 'server', 'strict-transport-security', 'x-powered-by']) {
        expect(answer.headers[name], name).toBeUndefined()
      }
    })

    test("Weft's own refusals carry the same shields", async () => {
      const answer = await world().ask('/api/2.0/clusters/list', { body: '{}' })
      expect(answer.status).toBe(404)
      expect(answer.headers['x-weft-problem']).toBe('path_not_allowed')
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
      expect(answer.headers['content-security-policy']).toContain('sandbox')
    })
  })

  describe('streams', () => {
    const body = JSON.stringify({
      messages: [{ role: 'user', content: 'one two three four five six seven eight' }],
      stream: true
    })

    test('events arrive one by one, long before the workspace ends', async () => {
      await world().workspace.setFaults({ streamEventDelayMs: 60 })
      await world().workspace.mark()
      const path = `/fabrics/${world().seeded}${invocations}`
      const res = await headOf(send(world().stack.weft, path, { headers: world().headers(), body }))
      expect(res.headers['content-type']).toMatch(/^text\/event-stream/)
      expect(res.headers['x-accel-buffering']).toBe('no')
      const arrivals: number[] = []
      let text = ''
      let underWay: number | null | undefined
      for await (const chunk of res) {
        text += chunk
        arrivals.push(performance.now())
        if (arrivals.length === 2) underWay = (await world().workspace.until(isQuery)).status
      }
      expect(underWay, 'the status stays open until the answer has ended').toBeNull()
      const events = text.split('\n\n').filter(Boolean)
      expect(events.at(-1)).toBe('data: [DONE]')
      expect(arrivals.length).toBeGreaterThanOrEqual(events.length - 2)
      expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(60 * (events.length - 4))
    })

    test('an answer that the workspace cuts ends as an error, never as a clean end', async () => {
      await world().workspace.setFaults({ streamCutAfterEvents: 3 })
      const answer = await world().ask(invocations, { body })
      expect(answer.status).toBe(200)
      expect(answer.body.toString()).not.toContain('[DONE]')
      expect(answer.isWhole).toBe(false)
    })

    test('502 upstream_unavailable when it is cut before its first byte', async () => {
      await world().workspace.setFaults({ streamCutAfterEvents: 0 })
      const answer = await world().ask(invocations, { body })
      expect(answer.status).toBe(502)
      expect(answer.headers['x-weft-problem']).toBe('upstream_unavailable')
    })
  })
}
