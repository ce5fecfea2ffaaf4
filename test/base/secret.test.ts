import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'

const canary = 'canary-5c1e7f'
const bytes = new Uint8Array(Buffer.from(canary))
const forms = [canary, Buffer.from(canary).toString('hex'), Array.from(bytes).join(',')]

function sink(): { readonly stream: Writable; text(): string } {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    }
  })
  return { stream, text: () => chunks.join('') }
}

describe.each([
  ['text', new Secret(canary)],
  ['bytes', new Secret(bytes)]
])('I1 a secret of %s prints as [secret]', (_kind, secret) => {
  const nested = { a: [{ b: new Map([['c', secret]]) }], set: new Set([secret]), secret }

  function expectHidden(printed: string): void {
    expect(printed).toContain('[secret]')
    for (const form of forms) expect(printed.replace(/[\s]/g, '')).not.toContain(form)
  }

  test('through console.log and its kin', () => {
    const out = sink()
    const console = new Console(out.stream, out.stream)
    console.log(secret)
    console.log('%s %o %O %j', secret, secret, nested, { secret })
    console.error(nested)
    console.dir(nested, { depth: 9, showHidden: true })
    console.table([{ secret }])
    expectHidden(out.text())
  })

  test('through util.inspect and util.format, nested and with hidden members shown', () => {
    expect(inspect(secret)).toBe('[secret]')
    expectHidden(inspect(nested, { depth: 9, showHidden: true, getters: true, showProxy: true }))
    expectHidden(format('%s|%o|%O', secret, secret, nested))
    expectHidden(inspect(new Error('x', { cause: { secret } })))
  })

  test('even where inspection skips custom printers, the value does not show', () => {
    const printed = inspect(nested, { depth: 9, showHidden: true, customInspect: false })
    for (const form of forms) expect(printed).not.toContain(form)
  })

  test('through JSON.stringify', () => {
    expect(JSON.stringify({ secret, list: [secret] })).toBe(
      '{"secret":"[secret]","list":["[secret]"]}'
    )
  })

  test('through template strings, String(), joining and adding', () => {
    expect(`${secret}`).toBe('[secret]')
    expect(String(secret)).toBe('[secret]')
    expect([secret, secret].join()).toBe('[secret],[secret]')
    expect(`x${[secret]}`).toBe('x[secret]')
    expect(''.concat(String(secret), secret.toString())).toBe('[secret][secret]')
  })

  test('through pino at trace level, as member, nested, in an error and as message', () => {
    const out = sink()
    const log = pino({ level: 'trace' }, out.stream)
    log.trace({ secret, nested: { secret, list: [secret] } }, 'printed %s %o %j', secret, secret, {
      secret
    })
    log.error({ err: Object.assign(new Error(`bad ${secret}`), { secret }) })
    log.child({ secret }).info(secret)
    expectHidden(out.text())
  })

  test('no own members, no copy through spread, assignment or structured cloning', () => {
    expect(Reflect.ownKeys(secret)).toEqual([])
    expect({ ...secret }).toEqual({})
    expect(Object.assign({}, secret)).toEqual({})
    expect(structuredClone(secret)).toEqual({})
  })
})

test('reveal gives the value itself', () => {
  expect(new Secret(canary).reveal()).toBe(canary)
  expect(new Secret(bytes).reveal()).toBe(bytes)
})
