import { describe, expect, test } from 'vitest'
import { cycles, floorFaults, floors, roomOf } from './floors.ts'
import { parseSource, readSources } from './source.ts'

const sources = readSources()

describe('the house as it stands', () => {
  test('every file imports its own room or a strictly lower floor', () => {
    expect(sources.flatMap(floorFaults)).toEqual([])
  })

  test('every room has a floor', () => {
    const rooms = new Set(sources.map((source) => roomOf(source.path)))
    rooms.delete('setup.mjs')
    expect([...rooms].filter((room) => floors[room] === undefined)).toEqual([])
  })

  test('no files import one another in a circle', () => {
    expect(cycles(sources)).toEqual([])
  })
})

describe('a planted fault is seen', () => {
  const planted: [string, string, string][] = [
    ['an import up', 'src/vault/a.ts', "import { b } from '../gateway/b.ts'"],
    ['a type import up', 'src/base/a.ts', "import type { B } from '../store/b.ts'"],
    ['an inline type import up', 'src/base/a.ts', "let b: import('../store/b.ts').B"],
    ['a dynamic import up', 'src/base/a.ts', "const b = await import('../store/b.ts')"],
    ['a computed import', 'src/base/a.ts', 'const b = await import(name)'],
    ['a re-export from above', 'src/base/a.ts', "export * from '../store/b.ts'"],
    ['a named re-export from above', 'src/base/a.ts', "export { b } from '../store/b.ts'"],
    ['an import sideways', 'src/fabrics/a.ts', "import { b } from '../app-connections/b.ts'"],
    ['identity seen from fabrics', 'src/fabrics/a.ts', "import { b } from '../identity/b.ts'"],
    ['a small room sideways', 'src/crypto/a.ts', "import { parse } from '../config/config.ts'"],
    ['http tunnelling', 'src/http/routes/a.ts', "import { b } from '../../vault/b.ts'"],
    ['http seeing a type below', 'src/http/a.ts', "import type { B } from '../audit/b.ts'"],
    ['the local stack from main', 'src/main.ts', "import { b } from './local/b.ts'"],
    ['an import of a test', 'src/app.ts', "import { b } from '../test/b.ts'"],
    ['an unknown room', 'src/sauna/a.ts', "import { b } from '../base/b.ts'"],
    ['the pages seeing the server', 'src/ui/a.ts', "import type { B } from '../base/b.ts'"],
    ['the server seeing the pages', 'src/app.ts', "import { b } from './ui/api/b.ts'"],
    ['the set-up', 'src/main.ts', "import './setup.mjs'"]
  ]
  test.each(planted)('%s', (_name, path, text) => {
    expect(floorFaults(parseSource(path, text))).toHaveLength(1)
  })

  test('what is allowed is not', () => {
    const text =
      "import { a } from './a.ts'\nimport { b } from '../base/b.ts'\nimport fs from 'node:fs'"
    expect(floorFaults(parseSource('src/vault/c.ts', text))).toEqual([])
    const kind = "import type { Driver } from '../pipeline.ts'"
    expect(floorFaults(parseSource('src/gateway/kinds/a.ts', kind))).toEqual([])
  })

  test('a circle of three files, and a file that imports itself', () => {
    const ring = ['a', 'b', 'c'].map((name, at) =>
      parseSource(`src/base/${name}.ts`, `import type { X } from './${'bca'[at]}.ts'`)
    )
    expect(cycles(ring)).toEqual([['src/base/a.ts', 'src/base/b.ts', 'src/base/c.ts']])
    const self = parseSource('src/base/a.ts', "export * from './a.ts'")
    expect(cycles([self])).toEqual([['src/base/a.ts']])
    expect(cycles([parseSource('src/base/d.ts', "import './a.ts'"), ...ring])).toHaveLength(1)
  })
})
