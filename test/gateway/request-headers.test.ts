import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requestHeadersOf } from '../../src/gateway/request-headers.ts'
import { aCall } from './fakes.ts'

const namesOf = (headers: Record<string, string | string[]>) =>
  requestHeadersOf(aCall({ headers }), null, null).filter((_text, index) => index % 2 === 0)

describe('headers of a call that reach the workspace', () => {
  test('are those that clients need, with their values as they are', () => {
    const headers = {
      accept: 'text/event-stream',
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'OpenAI/JS 7.57.0'
    }
    expect(requestHeadersOf(aCall({ headers }), null, null)).toEqual(
      expect.arrayContaining(Object.entries(headers).flat())
    )
    expect(namesOf(headers)).toHaveLength(3)
  })

  test('tell of the trace what was read of it, and never what stands there', () => {
    const call = aCall({ headers: { traceparent: 'garbage', tracestate: 'garbage' } })
    expect(requestHeadersOf(call, null, null)).toEqual([])
    const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), flags: 1, state: 'v=1' }
    expect(requestHeadersOf(call, null, trace)).toEqual([
      'traceparent',
      `00-${trace.traceId}-${trace.spanId}-01`,
      'tracestate',
      'v=1'
    ])
  })

  test.each([
    'authorization',
    'proxy-authorization',
    'cookie',
    'host',
    'origin',
    'referer',
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-real-ip',
    'x-databricks-org-id',
    'x-databricks-azure-sp-management-token',
    'x-databricks-azure-workspace-resource-id',
    'x-weft-act-as',
    'x-weft-csrf',
    'x-request-id',
    'connection',
    'transfer-encoding',
    'upgrade',
    'expect',
    'te'
  ])('%s is not among them', (name) => {
    expect(namesOf({ [name]: 'anything' })).toEqual([])
  })

  test('are on a list: what is unknown stays here', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^x-[a-z-]{1,20}$/), (name) => {
        expect(namesOf({ [name]: 'anything' })).toEqual([])
      })
    )
  })

  test('that came twice are left out, for which of them counts would be a guess', () => {
    expect(namesOf({ 'content-type': ['text/plain', 'application/json'] })).toEqual([])
  })

  test('tell the length of a body that flows, where its client told it; of any other, HTTP does', () => {
    const call = aCall({ headers: { 'content-length': '8' } })
    expect(requestHeadersOf(call, Readable.from([]), null)).toEqual(['content-length', '8'])
    for (const body of [Buffer.alloc(9), null])
      expect(requestHeadersOf(call, body, null)).toEqual([])
    expect(requestHeadersOf(aCall(), Readable.from([]), null)).toEqual([])
  })
})
