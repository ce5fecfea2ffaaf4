import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTraceContext, traceparentOf } from '../../src/base/trace.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const parent = `00-${traceId}-${spanId}-01`
const stateOf = (state: unknown) => parseTraceContext(parent, state)?.state

describe('traceparent', () => {
  test('of version 00 is taken, with the flags that are known', () => {
    expect(parseTraceContext(parent, undefined)).toEqual({ traceId, spanId, flags: 1, state: null })
    expect(parseTraceContext(`00-${traceId}-${spanId}-ff`, undefined)?.flags).toBe(3)
  })

  test('of a later version is read as far as it is known, and goes on as 00', () => {
    const later = parseTraceContext(`cc-${traceId}-${spanId}-01-what-else`, undefined)
    expect(later && traceparentOf(later)).toBe(parent)
  })

  test.each([
    '',
    'garbage',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-1`,
    `${parent}, ${parent}`,
    ` ${parent}`,
    `cc-${traceId}-${spanId}-01-${'x'.repeat(600)}`
  ])('is dropped where it is none: %s', (text) => {
    expect(parseTraceContext(text, 'a=b')).toBeNull()
  })

  test('whatever comes, nothing is thrown, and what is taken goes out in its final form', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string()), fc.anything(), (given, state) => {
        const context = parseTraceContext(given, state)
        if (context !== null) {
          expect(traceparentOf(context)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/)
        }
      })
    )
  })
})

describe('tracestate', () => {
  test.each([
    'rojo=00f067aa0ba902b7',
    'a=1,b=2',
    'a=1, b=2,,c=3',
    't61rcwkgmze@rojo=x y',
    '0a@v=1'
  ])('is kept as it came: %s', (state) => expect(stateOf(state)).toBe(state))

  test.each([
    '',
    ',',
    'no-value',
    'A=1',
    'a=1,a=2',
    'a=1\r\nx: y',
    'a=é',
    'a=b=c',
    `a=${'x'.repeat(600)}`,
    Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(),
    ['a=1']
  ])('is left out alone where it is none: %j', (state) => {
    expect(stateOf(state)).toBeNull()
  })
})
