import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NewFabric } from '../../src/fabrics/fabrics.ts'
import { failedAt, principalOf, summary, tester } from './testing.ts'
import { createWorld, narrow, principal, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

const { run, runUnsaved } = tester(() => world)

describe('a connection that does not work, as the service principal', () => {
  const secret = (clientSecret: string) => ({
    servicePrincipal: principalOf({ ...principal, clientSecret })
  })
  const cases: readonly (readonly [
    string,
    () => Partial<NewFabric>,
    Record<string, unknown> | null,
    Record<string, string>
  ])[] = [
    ['there is none', () => ({}), null, failedAt('token', 'service_principal_missing team_admin')],
    [
      'a wrong secret',
      () => secret('wrong-secret-0123456789'),
      null,
      failedAt('token', 'service_principal_refused team_admin')
    ],
    [
      'a secret without the scope',
      () => ({ servicePrincipal: principalOf(narrow) }),
      null,
      failedAt('token', 'scope_missing tenant_admin')
    ],
    [
      'the token endpoint is down',
      () => secret(principal.clientSecret),
      { tokenStatus: 503 },
      failedAt('token', 'upstream_unavailable upstream')
    ],
    [
      'the token endpoint throttles',
      () => secret(principal.clientSecret),
      { tokenStatus: 429, tokenRetryAfterSeconds: 3 },
      failedAt('token', 'upstream_unavailable upstream')
    ],
    [
      'the token endpoint says rubbish',
      () => secret(principal.clientSecret),
      { tokenBody: '{"access_token":' },
      failedAt('token', 'upstream_unavailable upstream')
    ],
    [
      'the token endpoint cuts the line',
      () => secret(principal.clientSecret),
      { dropTokenAnswer: true },
      failedAt('token', 'upstream_unavailable upstream')
    ],
    [
      'an IP access list',
      () => secret(principal.clientSecret),
      { ipBlocked: true },
      failedAt('identity', 'ip_not_allowed provider_admin')
    ]
  ]

  test.each(cases)('%s', async (_, more, faults, expected) => {
    if (faults !== null) await world.faults(faults)
    expect(summary(await runUnsaved('service_principal', more()))).toEqual(expected)
    expect(summary(await run('service_principal', more()))).toEqual(expected)
  })
})
