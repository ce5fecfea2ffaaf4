import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { insertWhereAbsent, readTopLevelString } from '../../src/gateway/kinds/top-level-members.ts'

const read = (text: string) => readTopLevelString(Buffer.from(text), 'model')

/** JSON with spaces wherever they may stand. */
const spaced = fc.constantFrom('', ' ', '\n', '\t\r\n  ')
const member = fc.tuple(fc.oneof(fc.string(), fc.constant('model')), fc.jsonValue())

describe('the model of an OpenAI-compatible body', () => {
  test('is what JSON.parse reads, for any object with one string of that name', () => {
    fc.assert(
      fc.property(fc.array(member), spaced, fc.string(), fc.nat(), (members, space, value, at) => {
        const others = members.filter(([name]) => name !== 'model')
        const all = others.toSpliced(at % (others.length + 1), 0, ['model', value])
        const text = `${space}{${all
          .map(([name, one]) => `${space}${JSON.stringify(name)}${space}:${JSON.stringify(one)}`)
          .join(`${space},${space}`)}${space}}${space}`
        expect(read(text)).toBe(JSON.parse(text).model)
      })
    )
  })

  test('is null whenever JSON.parse finds no object, no such string, or two of that name', () => {
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const text = `{${members.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`).join(',')}}`
        const models = members.filter(([name]) => name === 'model').map(([, value]) => value)
        const only = models.length === 1 && typeof models[0] === 'string' ? models[0] : null
        expect(read(text)).toBe(only)
      })
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(read(text)).toBe(modelOf(text))
      })
    )
  })

  test('is never made up: no edit of a good body gives a name that is not in it', () => {
    const body =
      '{"messages":[{"content":"}\\"model\\":\\"b\\""}],"model":"a","n":[1,{"model":"c"}]}'
    fc.assert(
      fc.property(fc.nat(body.length), fc.string({ maxLength: 2 }), fc.nat(2), (at, put, cut) => {
        const edited = body.slice(0, at) + put + body.slice(at + cut)
        const parsed = modelOf(edited)
        if (parsed !== null) expect([parsed, null]).toContain(read(edited))
        expect(read(edited)).not.toBe('c')
      }),
      { numRuns: 2_000 }
    )
  })

  test.each([
    ['an escaped name', '{"\\u006dodel":"a"}', 'a'],
    ['an escaped value', '{"model":"\\u0061\\/b\\ud83d\\ude00"}', 'a/b😀'],
    ['a nested one only', '{"x":{"model":"a"}}', null],
    ['one in a string only', '{"x":"\\",\\"model\\":\\"a\\""}', null],
    ['an escaped second one', '{"model":"a","\\u006dodel":"b"}', null],
    ['two alike', '{"model":"a","model":"a"}', null],
    ['a second one that is no string', '{"model":"a","model":null}', null],
    ['another case', '{"Model":"a"}', null],
    ['no string', '{"model":1}', null],
    ['an array', '["model","a"]', null],
    ['text after the object', '{"model":"a"} {"model":"b"}', null],
    ['a trailing comma', '{"model":"a",}', null],
    ['an open object', '{"model":"a"', null],
    ['an open string', '{"model":"a', null],
    ['a value that ends in a backslash', '{"model":"a\\', null],
    ['a raw line end in the value', '{"model":"a\nb"}', null],
    ['single quotes', "{'model':'a'}", null],
    ['a byte order mark', '\ufeff{"model":"a"}', null],
    ['nothing', '', null],
    ['an empty object', '{}', null]
  ])('%s', (_what, text, expected) => {
    expect(read(text)).toBe(expected)
  })

  test('is not read out of another encoding of text', () => {
    expect(readTopLevelString(Buffer.from('{"model":"a"}', 'utf16le'), 'model')).toBeNull()
  })

  test.each([
    ['deep nesting', `{"x":${'['.repeat(200_000)}${']'.repeat(200_000)},"model":"a"}`],
    ['a long text of escapes', `{"x":"${'\\"'.repeat(1_000_000)}","model":"a"}`],
    ['many spaces', `{${' '.repeat(4_000_000)}"model":"a"}`]
  ])('is found behind %s, in time that grows with the length alone', (_what, text) => {
    const startedMs = performance.now()
    expect(read(text)).toBe('a')
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  })
})

/** The one string member that JSON.parse sees; bodies here have no doubled names. */
function modelOf(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isObject || !('model' in value) || typeof value.model !== 'string') return null
    return value.model
  } catch {
    return null
  }
}

describe('the warehouse of a statement', () => {
  const insert = (body: Buffer | string) =>
    insertWhereAbsent(Buffer.from(body), 'warehouse_id', '0123abcd')

  test('is put in front where the object names none, and every other byte stays', () => {
    fc.assert(
      fc.property(fc.array(member), spaced, (members, space) => {
        const others = members.filter(([name]) => name !== 'warehouse_id')
        const inside = others
          .map(([name, one]) => `${space}${JSON.stringify(name)}${space}:${JSON.stringify(one)}`)
          .join(',')
        const head = `${space}{`
        const rest = `${inside}${space}}${space}`
        const comma = others.length > 0 ? ',' : ''
        const made = insert(head + rest).toString()
        expect(made).toBe(`${head}"warehouse_id":"0123abcd"${comma}${rest}`)
        expect(JSON.parse(made).warehouse_id).toBe('0123abcd')
      })
    )
  })

  test('stays what it is where the object names one, whatever it says', () => {
    fc.assert(
      fc.property(fc.array(member), fc.jsonValue(), fc.nat(), (members, value, at) => {
        const all = members.toSpliced(at % (members.length + 1), 0, ['warehouse_id', value])
        const text = `{${all.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`).join(',')}}`
        expect(insert(text).toString()).toBe(text)
      })
    )
  })

  test.each([
    ['nothing', ''],
    ['no JSON', 'SELECT 1'],
    ['a list', '[{}]'],
    ['a text', '"{}"'],
    ['half an object', '{"statement":"SELECT 1"'],
    ['text after the object', '{} {}'],
    ['a comma too many', '{"a":1,}'],
    ['a byte order mark', '\ufeff{}'],
    ['an escaped name', '{"\\u0077arehouse_id":"other"}'],
    ['the name twice', '{"warehouse_id":"a","warehouse_id":"b"}']
  ])('of %s is not for us to say: the bytes stay', (_what, text) => {
    expect(insert(text).toString()).toBe(text)
  })

  test('F8 bytes that are no UTF-8, integers of 64 bits and doubled members stay as they are', () => {
    const rest = Buffer.concat([
      Buffer.from('"n":9223372036854775807,"n":1e400,"s":"'),
      Buffer.from('c328ff', 'hex'),
      Buffer.from('"}')
    ])
    const made = insert(Buffer.concat([Buffer.from('{'), rest]))
    expect(made.subarray(-rest.length)).toEqual(rest)
    expect(made.subarray(0, -rest.length).toString()).toBe('{"warehouse_id":"0123abcd",')
  })

  test('is the name inside a nested object of nobody', () => {
    expect(insert('{"a":{"warehouse_id":"x"}}').toString()).toBe(
      '{"warehouse_id":"0123abcd","a":{"warehouse_id":"x"}}'
    )
  })
})
