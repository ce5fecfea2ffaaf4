import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  AppError,
  invalidRequest,
  type ProblemCode,
  type ProblemOwner,
  problemCatalogue
} from '../../src/base/errors.ts'

/** The published codes by the owner who can mend them. */
const published: Record<ProblemOwner, string> = {
  caller:
    'invalid_request unauthenticated forbidden not_found version_conflict idempotency_conflict rate_limited body_too_large path_not_allowed endpoint_not_allowed csrf_refused attempt_expired attempt_not_yours sign_in_needed conflict',
  team_admin:
    'service_principal_missing service_principal_refused compute_not_found compute_forbidden compute_stopped fabric_incomplete',
  tenant_admin:
    'app_connection_missing app_connection_refused redirect_uri_mismatch scope_missing host_not_allowed',
  provider_admin:
    'principal_not_in_workspace ip_not_allowed oauth_not_enabled federation_policy_missing federation_policy_mismatch federation_keys_unavailable',
  upstream:
    'workspace_unreachable dns_failed tls_failed upstream_timeout upstream_unavailable discovery_failed',
  platform: 'internal overloaded shutting_down key_unavailable'
}
const codes = Object.keys(problemCatalogue) as ProblemCode[] // the keys of a literal object

describe('the problem catalogue', () => {
  test.each(Object.entries(published))('%s owns exactly the published codes', (owner, list) => {
    const owned = codes.filter((code) => problemCatalogue[code].owner === owner)
    expect(owned.sort()).toEqual(list.split(' ').sort())
  })

  test.each(codes)('%s: an error status and a short title without a full stop', (code) => {
    const { status, title } = problemCatalogue[code]
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(title).toMatch(/^[A-Z].{3,60}[^.]$/)
  })

  test('only a missing login to Weft is 401, and a needed sign-in is 409', () => {
    expect(codes.filter((code) => problemCatalogue[code].status === 401)).toEqual([
      'unauthenticated'
    ])
    expect(problemCatalogue.sign_in_needed.status).toBe(409)
    expect(problemCatalogue.service_principal_missing.status).toBe(409)
    expect(problemCatalogue.service_principal_refused.status).toBe(502)
    expect(problemCatalogue.version_conflict.status).toBe(412)
    expect(problemCatalogue.idempotency_conflict.status).toBe(409)
  })

  test('faults of an upstream, a provider or the platform are 5xx', () => {
    for (const code of codes) {
      const { owner, status } = problemCatalogue[code]
      if (['upstream', 'provider_admin', 'platform'].includes(owner)) {
        expect(status, code).toBeGreaterThanOrEqual(500)
      }
    }
  })
})

describe('AppError', () => {
  test('carries what the catalogue says, and the title where no detail is given', () => {
    const err = new AppError('rate_limited', { retryAt: new Date(0), note: 'for the log' })
    expect(err).toBeInstanceOf(Error)
    expect([err.code, err.status, err.owner]).toEqual(['rate_limited', 429, 'caller'])
    expect(err.message).toBe('Too many requests')
    expect(err.retryAt).toEqual(new Date(0))
    expect(new AppError('not_found', { detail: 'No fabric here' }).message).toBe('No fabric here')
  })

  test('T9 takes no cause along', () => {
    const options = { detail: 'x', cause: new Error('canary') }
    const err = new AppError('internal', options)
    expect(err.cause).toBeUndefined()
    expect(inspect(err, { depth: 9, showHidden: true })).not.toContain('canary')
  })

  test('an input fault names its pointer', () => {
    const err = invalidRequest('/name', 'is too long')
    expect(err.errors).toEqual([{ pointer: '/name', message: 'is too long' }])
    expect(err.detail).toBe('/name: is too long')
    expect(invalidRequest('', 'is no object').detail).toBe('body: is no object')
    expect(err.status).toBe(400)
  })
})
