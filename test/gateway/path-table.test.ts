import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { checkParams, createPathTable } from '../../src/gateway/path-table.ts'
import { providers } from '../../src/providers/registry.ts'

const { databricks } = providers
const table = createPathTable([databricks])
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']

const statementId = '01f1c46b-6a0d-1f2e-9a3b-0123456789ab'
const examples: Readonly<Record<string, string>> = {
  endpoint: 'databricks-llama_1',
  model: 'churn-model.v2-1',
  statement: statementId,
  chunk: '12',
  warehouse: '0123456789abcdef'
}

/** Operation of what is served, `invalid_request` of what names nothing, null of what nobody serves. */
function verdict(method: string, path: string): string | null {
  const claim = table.find(method, path)
  if (claim === null) return null
  try {
    checkParams(claim)
    return claim.row.operation
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

const rows = databricks.dataPlane.map(
  ({ method, path, operation }) =>
    [
      method,
      path.replaceAll(/\{([a-z]+)\}/g, (_all, name) => examples[name] ?? ''),
      operation
    ] as const
)

describe('the paths of the data plane', () => {
  test.each(rows)('%s %s is %s, and no other method is served there', (method, path, operation) => {
    const served = methods.filter((one) => verdict(one, path) !== null)
    const same = rows.filter(([, other]) => other === path).map(([one]) => one)
    const expected = same.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]))
    expect(served.toSorted()).toEqual(expected.toSorted())
    expect(verdict(method, path)).toBe(operation)
  })

  test.each(rows)('E6 %s %s is served in no other spelling', (method, path) => {
    const last = path.lastIndexOf('/')
    const variants = [
      `${path}/`,
      `/${path}`,
      path.slice(1),
      `${path}%00`,
      `${path};a=1`,
      `${path}%20`,
      `${path}.json`,
      `${path}/..`,
      `${path}/../secrets`,
      path.replace('/', '\\'),
      path.replace('/', '/./'),
      path.replace('/', '/x/../'),
      path.replaceAll('/', '%2f'),
      `${path.slice(0, last)}//${path.slice(last + 1)}`,
      `${path.slice(0, last)}/%2e/${path.slice(last + 1)}`,
      `${path.slice(0, last)}/..${path.slice(last)}`,
      path.toUpperCase(),
      encodeURIComponent(path),
      `${path}\n`,
      `${path}#x`,
      `https://elsewhere.example${path}`
    ]
    const isServed = (variant: string) =>
      rows.some(([one, known]) => one === method && known === variant)
    for (const variant of variants.filter((one) => !isServed(one))) {
      expect([null, 'invalid_request'], variant).toContain(verdict(method, variant))
    }
  })

  test('E6 a parameter is in its pattern, or the call is invalid_request before any URL is built', () => {
    const hostile = [
      '.',
      '..',
      '...',
      '%2e%2e',
      'a%2fb',
      'a\\b',
      'a b',
      '-a',
      'a;b',
      'a@b',
      'é',
      'a'.repeat(200)
    ]
    for (const { method, path } of databricks.dataPlane.filter((one) => one.path.includes('{'))) {
      for (const text of hostile) {
        const at = path
          .replace(/\{[a-z]+\}/, text)
          .replaceAll(/\{([a-z]+)\}/g, (_all, name) => examples[name] ?? '')
        expect(verdict(method, at), at).toBe('invalid_request')
      }
    }
  })

  test('E6 whatever is served is sent in exactly the form in which it was checked', () => {
    const segment = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        'serving-endpoints',
        'invocations',
        'api',
        '2.0',
        'sql',
        'statements',
        '..',
        '%2e',
        'a'
      )
    )
    const parameter = fc
      .tuple(fc.constantFrom(...databricks.dataPlane), segment)
      .map(([{ method, path }, text]) => ({
        method,
        path: path.replaceAll(/\{[a-z]+\}/g, text)
      }))
    const free = fc.record({
      method: fc.constantFrom(...methods),
      path: fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`)
    })
    fc.assert(
      fc.property(fc.oneof(parameter, free), ({ method, path }) => {
        const found = verdict(method, path)
        if (found === null || found === 'invalid_request') return
        const url = new URL(path, 'https://workspace.test')
        expect(url.href).toBe(`https://workspace.test${path}`)
      }),
      { numRuns: 2_000 }
    )
  })

  test.each([
    ['POST', '/api/2.1/clusters/create'],
    ['POST', '/api/2.1/clusters/delete'],
    ['POST', '/api/2.1/clusters/permanent-delete'],
    ['POST', '/api/2.1/clusters/edit'],
    ['POST', '/api/2.2/jobs/delete'],
    ['GET', '/api/2.0/permissions/jobs/1'],
    ['PUT', '/api/2.0/permissions/clusters/1'],
    ['GET', '/api/2.0/preview/scim/v2/Users'],
    ['GET', '/api/2.0/preview/scim/v2/Me/groups'],
    ['POST', '/api/2.0/token/create'],
    ['GET', '/api/2.0/token/list'],
    ['GET', '/api/2.0/secrets/list'],
    ['GET', '/api/2.0/secrets/get'],
    ['POST', '/api/2.0/serving-endpoints'],
    ['PUT', '/api/2.0/serving-endpoints/churn-model/config'],
    ['DELETE', '/api/2.0/serving-endpoints/churn-model'],
    ['PATCH', '/api/2.0/serving-endpoints/churn-model/tags'],
    ['GET', '/api/2.0/workspace/export'],
    ['POST', '/api/2.0/dbfs/put'],
    ['PUT', '/api/2.0/fs/files/Volumes/a'],
    ['POST', '/api/2.0/git-credentials'],
    ['GET', '/api/2.0/sql/config/warehouses'],
    ['POST', '/oidc/v1/token'],
    ['GET', '/.well-known/databricks-config'],
    ['POST', '/telemetry-ext'],
    ['GET', '/login.html'],
    ['GET', '/'],
    ['GET', '']
  ])('%s %s is nobody’s', (method, path) => {
    expect(verdict(method, path)).toBeNull()
  })

  test('words that every object knows are no paths', () => {
    for (const path of ['/__proto__', '/constructor', '/toString', 'constructor']) {
      for (const method of [...methods, '__proto__', 'constructor']) {
        expect(verdict(method, path)).toBeNull()
      }
    }
  })

  test('a path of another provider is not found for this one', () => {
    const other = { ...databricks, id: 'other', dataPlane: [] }
    const both = createPathTable([databricks, other])
    expect(both.find('GET', '/api/2.1/clusters/list')?.provider).toBe(databricks)
    expect(both.find('GET', '/api/2.1/clusters/list', other)).toBeNull()
    expect(both.find('POST', '/serving-endpoints/a/invocations', other)).toBeNull()
  })
})
