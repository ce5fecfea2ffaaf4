import { describe, expect, it } from 'vitest'
import { databricks } from '../../src/providers/databricks/databricks.ts'
import { isProviderId, providers } from '../../src/providers/registry.ts'
import { describeProvider } from '../contract/provider-contract.ts'
import { databricksSamples } from './databricks-samples.ts'

describeProvider(databricks, databricksSamples)

describe('identity', () => {
  const read = (body: unknown, status = 200, headers = {}) =>
    databricks.identityCall.interpret(status, headers, JSON.stringify(body))

  it('tells a person from a service principal', () => {
    const userName = '6f1d3c1e-0000-4000-8000-1234567890ab'
    expect(read({ userName: 'dev@acme.test', id: '12' })).toEqual({
      ok: true,
      value: { userName: 'dev@acme.test', id: '12', kind: 'user' }
    })
    expect(read({ userName, id: '13' })).toMatchObject({ value: { kind: 'service_principal' } })
    expect(read({ userName: 'robot', id: '14', applicationId: 'x' })).toMatchObject({
      value: { kind: 'service_principal' }
    })
  })

  it('a page, or JSON of another kind, is not the API', () => {
    for (const answer of [read({}), read([]), read({ userName: 'a', id: 1 })]) {
      expect(answer).toMatchObject({ ok: false, code: 'workspace_unreachable' })
    }
    expect(databricks.identityCall.interpret(200, {}, '<html>')).toMatchObject({ ok: false })
  })

  it('someone who may not read themself has no place in the workspace', () => {
    const body = { error_code: 'PERMISSION_DENIED', message: 'x' }
    expect(read(body, 403)).toEqual({ ok: false, code: 'principal_not_in_workspace' })
  })
})

describe('compute', () => {
  const [warehouse, cluster] = (['warehouse', 'cluster'] as const).map((kind) => {
    const call = databricks.computeCall({ kind, id: 'abc-1' })
    return (state: string) => call.interpret(200, {}, JSON.stringify({ state }))
  })

  it.each([
    ['RUNNING', 'running'],
    ['STARTING', 'starting'],
    ['STOPPED', 'stopped'],
    ['STOPPING', 'stopped'],
    ['A_NEW_ONE', 'running']
  ])('a warehouse %s is well, and %s', (state, condition) => {
    expect(warehouse?.(state)).toEqual({ ok: true, value: { state, condition } })
  })

  it('a warehouse that its first statement does not start is stopped', () => {
    const call = databricks.computeCall({ kind: 'warehouse', id: 'abc-1' })
    const body = JSON.stringify({ state: 'STOPPED', auto_resume: false })
    expect(call.interpret(200, {}, body)).toMatchObject({ ok: false, code: 'compute_stopped' })
  })

  it('a name with a backtick in it stays one name', () => {
    const { seeSchema } = databricks.trials
    expect(seeSchema('a`; DROP', 'b')).toBe('DESCRIBE SCHEMA `a``; DROP`.`b`')
  })

  it.each(['DELETED', 'DELETING'])('a warehouse %s is gone', (state) => {
    expect(warehouse?.(state)).toMatchObject({ ok: false, code: 'compute_not_found' })
  })

  it.each([
    ['RUNNING', 'running'],
    ['RESIZING', 'running'],
    ['PENDING', 'starting'],
    ['RESTARTING', 'starting']
  ])('a cluster %s is well, and %s', (state, condition) => {
    expect(cluster?.(state)).toEqual({ ok: true, value: { state, condition } })
  })

  it.each(['TERMINATED', 'TERMINATING', 'ERROR'])('a cluster %s is stopped', (state) => {
    expect(cluster?.(state)).toMatchObject({ ok: false, code: 'compute_stopped' })
  })

  it.each(['', 'constructor', '<b>', 'x'.repeat(99)])('a state of %j is no state', (state) => {
    expect(warehouse?.(state)).toMatchObject({ ok: false, code: 'workspace_unreachable' })
  })

  it('is read out of the path of a SQL connection', () => {
    const read = databricks.computeOfHttpPath
    expect(read('/sql/1.0/warehouses/0123456789abcdef')).toEqual({
      kind: 'warehouse',
      id: '0123456789abcdef'
    })
    expect(read('sql/1.0/endpoints/0123456789abcdef')).toEqual({
      kind: 'warehouse',
      id: '0123456789abcdef'
    })
    expect(read('sql/protocolv1/o/12/0123-456789-abc')).toEqual({
      kind: 'cluster',
      id: '0123-456789-abc'
    })
    for (const path of [
      '',
      '/',
      '/sql/1.0/warehouses/',
      '/sql/1.0/warehouses/../x',
      '/api/2.0/x'
    ]) {
      expect(read(path)).toBeNull()
    }
  })
})

describe('B2 discovery', () => {
  const origin = 'https://dbc-1.cloud.databricks.com'
  const usual = [
    '/oidc/.well-known/oauth-authorization-server',
    '/oidc/.well-known/openid-configuration'
  ]
  const read = (config: unknown) => databricks.oauth.metadataPaths(origin, JSON.stringify(config))

  it('without a host configuration the usual paths are tried', () => {
    expect(databricks.oauth.metadataPaths(origin, null)).toEqual(usual)
    expect(read({ oidc_endpoint: `${origin}/oidc` })).toEqual(usual)
    expect(read({ oidc_endpoint: `${origin}/oidc/` })).toEqual(usual)
  })

  it('the root that the host names comes first, its account filled in', () => {
    const accountId = '11111111-2222-4333-8444-555555555555'
    const config = { oidc_endpoint: `${origin}/oidc/accounts/{account_id}`, account_id: accountId }
    expect(read(config)).toEqual([
      `/oidc/accounts/${accountId}/.well-known/oauth-authorization-server`,
      `/oidc/accounts/${accountId}/.well-known/openid-configuration`,
      ...usual
    ])
  })

  it.each([
    'https://evil.test/other',
    'https://user@evil.test/other',
    'https://dbc-2.cloud.databricks.com/oidc/accounts/1',
    'http://dbc-1.cloud.databricks.com/other',
    'http://169.254.169.254/other',
    `${origin}/oidc?x=1`,
    `${origin}/oidc#x`,
    `${origin}/a%2f..%2fb`,
    `${origin}/oidc/accounts/{account_id}`,
    origin,
    '/oidc',
    42,
    null
  ])('a root of %j is passed over', (endpoint) => {
    expect(read({ oidc_endpoint: endpoint })).toEqual(usual)
  })

  it('junk is passed over', () => {
    for (const junk of ['', '<html>', '[]', 'null', '{']) {
      expect(databricks.oauth.metadataPaths(origin, junk)).toEqual(usual)
    }
  })
})

it('the registry knows its providers by id, and no inherited word', () => {
  for (const [id, provider] of Object.entries(providers)) expect(provider.id).toBe(id)
  expect(isProviderId('databricks')).toBe(true)
  expect(isProviderId('constructor')).toBe(false)
})
