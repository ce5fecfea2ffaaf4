import { describe, expect, test } from 'vitest'
import { AppError, type ProblemCode, problemCatalogue } from '../../src/base/errors.ts'
import { workspaceProblem } from '../../src/http/workspace-problem.ts'

const fabric = `/fabrics/fab_${'0'.repeat(26)}`
const invocations = '/serving-endpoints/whoami/invocations'
const warehouse = '/sql/1.0/warehouses/0123456789abcdef'

describe('a problem in the words of the clients of a workspace', () => {
  test('Databricks SDKs read error_code and message, and can tell whose it is', () => {
    const error = new AppError('not_found')
    expect(workspaceProblem(`${fabric}/api/2.2/jobs/get?job_id=1`, error)).toEqual({
      headers: { 'x-weft-problem': 'not_found', 'x-should-retry': 'false' },
      members: { error_code: 'not_found', message: problemCatalogue.not_found.title }
    })
  })

  test.each(['chat/completions', 'v1/chat/completions', 'completions', 'embeddings', 'responses'])(
    'OpenAI’s clients read the member error of %s, whatever stands in the query',
    (end) => {
      const error = new AppError('unauthenticated', { detail: 'No such key' })
      for (const base of [fabric, '']) {
        const { members } = workspaceProblem(`${base}/serving-endpoints/${end}?a=/b`, error)
        expect(members.error).toEqual({
          message: 'No such key',
          type: 'caller',
          code: 'unauthenticated'
        })
      }
    }
  )

  test('and nobody else gets one', () => {
    const error = new AppError('unauthenticated')
    for (const path of [invocations, warehouse, '/api/2.0/serving-endpoints/completions/x']) {
      const { members } = workspaceProblem(`${fabric}${path}?x=/serving-endpoints/responses`, error)
      expect(members).not.toHaveProperty('error')
    }
  })

  test('SQL drivers read a header, which holds one line of ASCII', () => {
    const detail = 'Öffne\r\nx-injected: 1\u0000 “it” '.repeat(100)
    const error = new AppError('forbidden', { detail })
    for (const base of [fabric, '']) {
      const { headers } = workspaceProblem(`${base}${warehouse}?o=1`, error)
      const told = headers['x-thriftserver-error-message'] ?? ''
      expect(told).toMatch(/^forbidden: [\x20-\x7e]{1,990}$/)
    }
    const { headers } = workspaceProblem(`${fabric}${invocations}`, error)
    expect(headers).not.toHaveProperty('x-thriftserver-error-message')
  })
})

describe('OpenAI’s clients, which try any 409, 429 and 5xx again', () => {
  const retryOf = (error: AppError) =>
    workspaceProblem(fabric, error).headers['x-should-retry'] ?? 'as they like'

  test.each<ProblemCode>([
    'sign_in_needed',
    'service_principal_missing',
    'service_principal_refused',
    'app_connection_refused',
    'ip_not_allowed'
  ])('are told that %s lasts until somebody acts', (code) => {
    expect(retryOf(new AppError(code))).toBe('false')
  })

  test.each<ProblemCode>([
    'rate_limited',
    'overloaded',
    'shutting_down',
    'upstream_unavailable',
    'upstream_timeout'
  ])('are left to try %s again', (code) => {
    expect(retryOf(new AppError(code))).toBe('as they like')
  })

  test('are left to it wherever it is known when', () => {
    const retryAt = new Date('2026-05-04T03:02:01.000Z')
    expect(retryOf(new AppError('service_principal_refused', { retryAt }))).toBe('as they like')
  })
})
