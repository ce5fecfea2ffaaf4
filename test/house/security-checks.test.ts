import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Fault, readText, repositoryFiles, root } from './source.ts'

/** How many checks each group has. */
const groups = { A: 14, B: 13, C: 12, D: 13, E: 10, F: 11, G: 12, H: 12, I: 7, J: 7 }

const ids = Object.entries(groups).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, at) => `${group}${at + 1}`)
)

interface Row {
  readonly id: string
  readonly name: string
  /** Test files, from docs/. */
  readonly files: readonly string[]
  /** Scripts that are run by hand, such as `npm run test:soak`. */
  readonly scripts: readonly string[]
  /** Why there is no test. */
  readonly open: string | null
}

function rowsOf(text: string): Row[] {
  const [, section = ''] = text.split('\n## The numbered checks\n')
  return [...section.matchAll(/^\| ([A-J]\d+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, id = '', name = '', where = '']) => ({
      id,
      name: name.trim(),
      files: [...where.matchAll(/\]\(\.\.\/(test\/[^)]+)\)/g)].map(([, file = '']) => file),
      scripts: [...where.matchAll(/`npm run ([a-z:]+)`/g)].map(([, script = '']) => script),
      open: /^(open|not applicable): .{10,}$/.exec(where.trim())?.[0] ?? null
    })
  )
}

/** A mark at the head of a title, alone or among others: `'F4 J7 …'`. */
const hasMark = (text: string, id: string) =>
  new RegExp(`['"\`](?:[A-J]\\d{1,2} )*${id} `).test(text)

const scripts: Readonly<Record<string, string>> = JSON.parse(readText('package.json')).scripts

function mapFaults(rows: readonly Row[]): Fault[] {
  const listed = rows.map(({ id }) => id)
  const missing = ids.filter((id) => !listed.includes(id)).map((id) => `${id} has no row`)
  const twice = listed.filter((id, at) => listed.indexOf(id) !== at).map((id) => `${id} twice`)
  const wrong = rows.flatMap(({ id, files, scripts: named, open }) => [
    ...(files.length + named.length === 0 && open === null
      ? [`${id} has neither test nor reason`]
      : []),
    ...files
      .filter((file) => !existsSync(join(root, file)) || !hasMark(readText(file), id))
      .map((file) => `${file} has no title that begins with ${id}`),
    ...named.filter((one) => !(one in scripts)).map((one) => `${id}: there is no npm run ${one}`)
  ])
  return [...missing, ...twice, ...wrong]
}

const table = rowsOf(readText('docs/security.md'))

describe('the numbered checks of docs/security.md', () => {
  test('each of the 111 names the tests that show it, and they carry its mark', () => {
    expect(ids).toHaveLength(111)
    expect(mapFaults(table)).toEqual([])
  })

  test('none is called open that has a test', () => {
    const open = table.filter((row) => row.open?.startsWith('open')).map(({ id }) => id)
    // Marks of F stand for classes of failure too, which are another list.
    const texts = repositoryFiles()
      .filter((path) => /^test\/.*\.ts$/.test(path))
      .map(readText)
    const covered = open.filter(
      (id) => !id.startsWith('F') && texts.some((text) => hasMark(text, id))
    )
    expect(covered, 'name their tests in docs/security.md').toEqual([])
  })
})

describe('a planted fault is seen', () => {
  const row = { id: 'A1', name: 'a', files: [], scripts: [], open: null }
  const others = ids.slice(1).map((id) => ({ ...row, id, open: 'open: for this test only' }))
  test.each<[what: string, planted: Row, message: RegExp]>([
    ['no test and no reason', row, /A1 has neither/],
    ['a file that is not there', { ...row, files: ['test/none.test.ts'] }, /none.test.ts has no/],
    [
      'a file without the mark',
      { ...row, files: ['test/house/check.ts'] },
      /check.ts has no title/
    ],
    ['a script that is not there', { ...row, scripts: ['test:none'] }, /no npm run test:none/]
  ])('%s', (_what, planted, message) => {
    expect(mapFaults([planted, ...others])).toEqual([expect.stringMatching(message)])
  })

  test('a check without a row', () => {
    expect(mapFaults(others)).toEqual(['A1 has no row'])
  })
})
