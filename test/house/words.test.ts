import { describe, expect, test } from 'vitest'
import { type Fault, readText, repositoryFiles } from './source.ts'

/** What a reader from outside cannot know, or must not: it belongs to where the work was done. */
const foreign: readonly [what: string, pattern: RegExp][] = [
  ['an issue number', /\bissues?[ /]*#?\d/i],
  ['a numbered session', /\bsession[ -]#?\d+\b/i],
  ['a path of a workplace', /\/work\/|\/root\/|\/home\/[a-z]/],
  ['a folder of a workplace', /\bshared\/(design|facts|seeds|hooks)\b/],
  ['a registry', /\/\/[^\s"'/]*\b(registry|npmmirror|verdaccio|artifactory)\b/i],
  ['a file of a workplace', /\b(house|contract|manners|toolchain|databricks|failures)\.md\b/]
]

const text =
  /(^|\/)(run|LICENSE|Dockerfile|\.[a-z]+|[^/]+\.(ts|tsx|mjs|js|css|html|json|md|sql|prisma|toml|ya?ml|sh|example))$/

function wordFaults(path: string, content: string): Fault[] {
  return content
    .split('\n')
    .flatMap((line, at) =>
      foreign
        .filter(([, pattern]) => pattern.test(line))
        .map(([what]) => `${path}:${at + 1} speaks of ${what}`)
    )
}

describe('the house as it stands', () => {
  test('no text speaks of where, by whom or under which number it was written', () => {
    const own = 'test/house/words.test.ts'
    const files = repositoryFiles().filter((path) => text.test(path) && path !== own)
    expect(files.length).toBeGreaterThan(10)
    expect(files.flatMap((path) => wordFaults(path, readText(path)))).toEqual([])
  })
})

describe('a planted fault is seen', () => {
  test.each([
    ['an issue number', '// see issue 12'],
    ['an issue number', 'fixes issue #7'],
    ['a numbered session', 'written in session 3'],
    ['a path of a workplace', "const path = '/work/main/src'"],
    ['a folder of a workplace', 'as shared/design says'],
    ['a registry', 'https://registry.example.org/a.tgz'],
    ['a file of a workplace', '@see security of house.md']
  ])('%s: %s', (what, line) => {
    expect(wordFaults('a.md', `first\n${line}`)).toEqual([`a.md:2 speaks of ${what}`])
  })

  test('ordinary words are not', () => {
    const line = 'a session of 30 days issued at 12:00, an issuer, a shared key, issue a token'
    expect(wordFaults('a.md', line)).toEqual([])
  })
})
