import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/http/route.ts'
import { readText, writeYaml } from '../../src/http/settings-text.ts'
import type {
  ImportedSettings,
  ImportOptions,
  Interchange
} from '../../src/interchange/interchange.ts'
import { appWith, browser, tokens } from './fakes.ts'

const url = '/api/v1/import'
const headers = browser(tokens.admin)
const asYaml = { ...headers, 'content-type': 'application/yaml' }

interface Fault {
  readonly pointer: string
  readonly message: string
  readonly line?: number
  readonly column?: number
}

let app: App
const asked: { settings: ImportedSettings; options: ImportOptions }[] = []

beforeAll(async () => {
  const take: Interchange['import'] = async (_scope, settings, options) => {
    asked.push({ settings, options })
    const counts = { create: 0, update: 0, unchanged: 0, delete: 0, keep: 0 }
    return { isDryRun: options.isDryRun, format: 'weft', counts, resources: [], notices: [] }
  }
  app = (await appWith({ interchange: { import: take } })).app
}, 60_000)
afterAll(() => app?.close())

async function put(payload: string, more: { headers?: object; query?: string } = {}) {
  asked.length = 0
  const answer = await app.inject({
    method: 'PUT',
    url: `${url}${more.query ?? ''}`,
    headers: { ...asYaml, ...more.headers },
    payload
  })
  const { errors = [] } = answer.json<{ errors?: Fault[] }>()
  return { status: answer.statusCode, errors, text: answer.body }
}

describe('PUT /api/v1/import', () => {
  test.each(['application/yaml', 'application/x-yaml', 'text/yaml', 'application/json'])(
    '200 for %s, which says the same',
    async (type) => {
      const text = '{ "weft": 1, "fabrics": [{ "name": "Lake" }] }'
      const { status } = await put(text, {
        headers: { 'content-type': type },
        query: '?dryRun=true&prune=false'
      })
      expect(status).toBe(200)
      expect(asked).toMatchObject([
        {
          settings: { format: 'weft', document: { fabrics: [{ name: 'Lake' }] } },
          options: { isDryRun: true, prunes: false }
        }
      ])
    }
  )

  test('415 for another type, 413 for more than a quarter of a MiB, 400 for an unknown query', async () => {
    const type = { 'content-type': 'text/plain' }
    expect((await put('weft: 1', { headers: type })).status).toBe(415)
    expect((await put(`weft: 1 # ${'x'.repeat(256 * 1024)}`)).status).toBe(413)
    expect((await put('weft: 1', { query: '?dryrun=true' })).status).toBe(400)
    expect((await put('weft: 1', { query: '?prune=1' })).status).toBe(400)
  })

  const nested = `a: ${'['.repeat(40)}${']'.repeat(40)}`
  const laughs = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...[...'bcdefghi'].map((to, at) => `${to}: &${to} [${`*${'abcdefgh'[at]}, `.repeat(9)}]`)
  ].join('\n')
  test.each<[what: string, text: string, line: number, message: RegExp]>([
    ['nothing', '', 1, /no document/],
    ['a text', 'weft', 1, /no document/],
    ['a list', '- weft: 1', 1, /no document/],
    ['a tab for an indent', 'weft: 1\nfabrics:\n\t- name: x', 3, /tab as indent/],
    ['a bracket that stays open', 'weft: 1\nfabrics: [', 2, /not YAML/],
    ['a bracket that closes nothing', 'weft: 1\nfabrics: ]', 2, /not opened/],
    ['two documents', 'weft: 1\n---\nweft: 1', 2, /multiple docs/],
    ['a key twice', 'weft: 1\nfabrics: []\nfabrics: []', 3, /twice/],
    ['a key twice in JSON', '{ "weft": 1,\n "weft": 1 }', 2, /twice/],
    ['a billion laughs', laughs, 1, /anchors/],
    ['an alias', 'weft: 1\nfabrics: *a', 2, /aliases/],
    ['an anchor that holds itself', 'a: &a [*a]', 1, /anchors/],
    ['a tag of a language', 'weft: !!js/function x', 1, /tags/],
    ['a tag of YAML', 'weft: !!binary aGk=', 1, /tags/],
    ['another version of YAML', '%YAML 1.1\n---\nweft: 1', 1, /directives/],
    ['a key that is a list', '? [a]\n: b', 1, /non string key/],
    ['depth', nested, 1, /more than 32 deep/],
    ['very great depth', '['.repeat(100_000), 1, /more than 32 deep/],
    ['very many values', `a: [${'1,'.repeat(60_000)}]`, 1, /too large/],
    [
      'very many keys',
      [...Array(20_000).keys()].map((n) => `k${n}: 1`).join('\n'),
      14_286,
      /too large/
    ]
  ])('400 for %s, with its place', async (_what, text, line, message) => {
    const { status, errors } = await put(text)
    expect(status).toBe(400)
    expect(errors[0]).toMatchObject({ line, message: expect.stringMatching(message) })
    expect(asked).toEqual([])
  })

  test('400 with every fault of the shape and its place, and no value told back', async () => {
    const text = [
      'weft: 2',
      'fabrics:',
      '  - name: 12',
      '    clientSecret: canary-secret',
      '    servicePrincipal:',
      '      clientId: worker',
      '      clientSecret: canary-secret',
      '    deadlines: { idleMs: soon }',
      '  - kind: lake'
    ].join('\n')
    const { status, errors, text: told } = await put(text)
    expect(status).toBe(400)
    expect(errors.map(({ pointer, line }) => `${pointer} ${line}`).sort()).toEqual([
      '/fabrics/0/clientSecret 4',
      '/fabrics/0/deadlines/idleMs 8',
      '/fabrics/0/name 3',
      '/fabrics/0/servicePrincipal/clientSecret 7',
      '/fabrics/1/kind 9',
      '/fabrics/1/name 9',
      '/weft 1'
    ])
    expect(errors.find(({ pointer }) => pointer.endsWith('idleMs'))?.column).toBe(26)
    expect(told).not.toContain('canary')
  })

  test('403 for whoever is no tenant admin', async () => {
    const by = { ...browser(tokens.member), 'content-type': 'application/yaml' }
    const answer = await app.inject({ method: 'PUT', url, headers: by, payload: 'weft: 1' })
    expect(answer.statusCode).toBe(403)
  })
})

describe('the text of a document', () => {
  test('whatever was written is read as it was', () => {
    const values = fc.letrec((tie) => ({
      leaf: fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom('yes', 'null', '1e3', '0o7', '<<', '*a', '&a', '!x', '---', '...', ' ', '%')
      ),
      list: fc.array(tie('any'), { maxLength: 4 }),
      map: fc.dictionary(fc.string({ minLength: 1 }), tie('any'), {
        maxKeys: 4,
        noNullPrototype: true
      }),
      any: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('list'), tie('map'))
    }))
    fc.assert(
      fc.property(fc.dictionary(fc.string(), values.any, { noNullPrototype: true }), (value) => {
        expect(readText(writeYaml(value)).value).toEqual(value)
      }),
      { numRuns: 60 }
    )
  })

  test('garbage is refused or read, and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        try {
          readText(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' })
        }
      }),
      { numRuns: 100 }
    )
  })
})
