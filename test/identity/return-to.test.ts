import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { safeReturnTo } from '../../src/identity/return-to.ts'

const publicUrl = 'https://weft.test'

/** Every way of writing "elsewhere" that a browser, a proxy or a parser is known to fall for. */
const hosts = ['evil.test', 'evil.test@weft.test', 'weft.test@evil.test', 'weft.test.evil.test']
const leads = [
  ...['//', '///', '////', '/\\', '\\/', '\\\\', '\\', '/\\/\\/', '/\t/', '/\n/', '/\r/', '\t//'],
  ...['/%09/', '/%5c', '/%5C', '/%2f', '/%2F%2f', '/%0a/', '/%0d%0a/', '/%00/', '/%255c', '/%252f'],
  ...['/.//', '/./\\', '/..//', '/../', '/%2e%2e//', '/%2e/', '/a/..//', '/a/%2e%2e/%2e%2e//'],
  ...[
    'http://',
    'https://',
    'HTTPS://',
    'https:',
    'https:/',
    'https:\\\\',
    '/https://',
    '/http:/%5c'
  ],
  ...[
    'javascript:',
    'JaVaScRiPt:',
    'java\tscript:',
    'data:text/html,',
    'vbscript:',
    '@',
    ';@',
    '.'
  ],
  ...[
    ' //',
    ' /',
    '\u0000/',
    '\u200b//',
    '／／',
    '/／',
    '\u2044\u2044',
    '〱',
    '/\u3002',
    '?//',
    '#//',
    ''
  ]
]
const tails = ['', '/', '/%2e%2e', '//', '?x=/', '#@weft.test', ':80', '/..;/']

const corpus = leads.flatMap((lead) =>
  hosts.flatMap((host) => tails.map((tail) => `${lead}${host}${tail}`))
)

const fine = [
  '/',
  '/console',
  '/console/fabrics?tab=1&sort=-name',
  '/console/fabrics/fab_01',
  '/sign-in/fab_01?return_to=%2Fconsole%2F',
  '/a/b.c/~d/@e',
  '/console?next=//fine-in-a-query'
]

function staysHome(result: string): void {
  expect(result).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
  expect(result).not.toContain('\\')
  expect(new URL(result, publicUrl).origin).toBe(publicUrl)
  // As a Location header that some hop decodes on the way.
  const decoded = decodeURIComponent(result.split('?')[0] ?? '')
  expect(new URL(decoded, publicUrl).origin).toBe(publicUrl)
}

describe('A10 after a login the browser stays on this origin', () => {
  test(`A10 ${corpus.length} spellings of elsewhere lead home`, () => {
    for (const text of corpus) staysHome(safeReturnTo(text, publicUrl))
  })

  test.each(['/\\evil.test', '//evil.test', '/\t/evil.test', '/%5cevil.test', '/%2fevil.test'])(
    'A10 %j becomes the root',
    (text) => {
      expect(safeReturnTo(text, publicUrl)).toBe('/')
    }
  )

  test('A10 any text at all stays home', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '.',
      '%2e',
      '%2f',
      '%5c',
      '%',
      '@',
      ':',
      '?',
      '#',
      'evil'
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.array(piece).map((pieces) => pieces.join('')),
      fc.array(piece).map((pieces) => `/${pieces.join('')}`)
    )
    fc.assert(fc.property(texts, (text) => staysHome(safeReturnTo(text, publicUrl))))
  })

  test.each(fine)('A10 an ordinary path is kept as it is: %s', (path) => {
    expect(safeReturnTo(path, publicUrl)).toBe(path)
  })

  test('A10 nothing, and too much, become the root', () => {
    expect(safeReturnTo(null, publicUrl)).toBe('/')
    expect(safeReturnTo(`/${'a'.repeat(5000)}`, publicUrl)).toBe('/')
  })

  test('A10 below a path prefix the browser stays below it', () => {
    const prefixed = `${publicUrl}/weft`
    expect(safeReturnTo('/weft/console', prefixed)).toBe('/weft/console')
    for (const text of ['/', '/other', '/weftless', '/weft/../other', null]) {
      expect(safeReturnTo(text, prefixed)).toBe('/weft/')
    }
  })
})
