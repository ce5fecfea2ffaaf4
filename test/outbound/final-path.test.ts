import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isFinalPath } from '../../src/outbound/final-path.ts'

const origin = 'https://workspace.test'

/** Without a shorter way. */
function isKept(path: string): boolean {
  const url = path.startsWith('/') ? URL.parse(path, origin) : null
  return url?.origin === origin && url.pathname + url.search === path
}

const part = fc.oneof(
  fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '\\',
    '?',
    '#',
    ':',
    '@',
    '\n',
    'ü',
    'a',
    '-1',
    '~_'
  ),
  fc.string({ maxLength: 3 })
)

test('E6 a path is final where URL parsing changes nothing of it, and nowhere else', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const path = `/${parts.join('')}`
      expect(isFinalPath(origin, path)).toBe(isKept(path))
    }),
    { numRuns: 5_000 }
  )
})

test.each(['/a/.b', '/a/b.c', '/a/b..', '/a//b', '/a/', '/', '/.', '/a/..b', '/a?b=c'])(
  'E6 %s is final where URL parsing leaves it',
  (path) => {
    expect(isFinalPath(origin, path)).toBe(isKept(path))
  }
)
