import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  basic,
  machineToken,
  postForm,
  principal,
  readLog,
  resetFaults,
  setFaults,
  signIn,
  startWorkspace
} from './workspace-support.ts'

interface EndpointAnswer {
  id: string
  route_optimized: boolean
  endpoint_url: string
  data_plane_info: { query_info: { endpoint_url: string; authorization_details: string } }
}

let workspace: RunningDatabricks
let machine: string
let endpoint: EndpointAnswer
let details: string
beforeAll(async () => {
  workspace = await startWorkspace()
  machine = (await machineToken(workspace.url, principal)).body.access_token
  endpoint = await describeEndpoint('fast-model')
  details = endpoint.data_plane_info.query_info.authorization_details
})
afterEach(() => resetFaults(workspace.url))
afterAll(() => workspace.stop())

const body = { inputs: [[1], [2]] }

async function describeEndpoint(name: string): Promise<EndpointAnswer> {
  const path = `/api/2.0/serving-endpoints/${name}`
  return (await api<EndpointAnswer>(workspace.url, path, machine)).body
}

function downScoped(authorizationDetails: string, more: Record<string, string> = {}) {
  const form = {
    grant_type: 'client_credentials',
    scope: 'all-apis',
    authorization_details: authorizationDetails,
    ...more
  }
  const credentials = basic(principal.clientId, principal.clientSecret)
  return postForm(`${workspace.url}/oidc/v1/token`, form, credentials)
}

function exchanged(assertion: string, authorizationDetails = details) {
  return postForm(`${workspace.url}/oidc/v1/token`, {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion,
    authorization_details: authorizationDetails
  })
}

function ask(token: string | undefined, url = endpoint.endpoint_url) {
  const { origin, pathname } = new URL(url)
  return api(origin, pathname, token, { body })
}

describe('discovery', () => {
  test('names another origin, and the authorization details by id and not by name', () => {
    expect(endpoint.route_optimized).toBe(true)
    expect(endpoint.endpoint_url).toBe(
      `${workspace.dataPlaneUrl}/900800700600/serving-endpoints/fast-model/invocations`
    )
    expect(new URL(endpoint.endpoint_url).origin).not.toBe(workspace.url)
    expect(endpoint.data_plane_info.query_info.endpoint_url).toBe(endpoint.endpoint_url)
    expect(JSON.parse(details)).toEqual([
      {
        type: 'workspace_permission',
        object_type: 'serving-endpoints',
        object_path: `/serving-endpoints/${endpoint.id}`,
        actions: ['query_inference_endpoint']
      }
    ])
  })

  test('the workspace host does not serve it', async () => {
    const path = '/serving-endpoints/fast-model/invocations'
    expect((await api(workspace.url, path, machine, { body })).status).toBe(400)
  })
})

describe('down-scoped tokens', () => {
  test('client credentials with authorization_details open the endpoint, and the log tells it', async () => {
    const since = new Date().toISOString()
    const { body: token } = await downScoped(details)
    expect(decodeJwt(token.access_token).authorization_details).toEqual(JSON.parse(details))
    const answer = await ask(token.access_token)
    expect(answer).toMatchObject({
      status: 200,
      body: { predictions: [{}, {}].map(() => expect.any(Number)) }
    })
    expect((await readLog(workspace.url, since)).map(({ path }) => path)).toEqual([
      '/oidc/v1/token',
      '/900800700600/serving-endpoints/fast-model/invocations'
    ])
  })

  test('a person trades an access token for one, and remains that person', async () => {
    const { access_token: own } = await signIn(workspace.url)
    const since = new Date().toISOString()
    const { status, body: token } = await exchanged(own)
    expect(status).toBe(200)
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    expect((await ask(token.access_token)).status).toBe(200)
    const principals = (await readLog(workspace.url, since)).map((item) => item.principal)
    expect(principals).toEqual(['dev@acme.test', 'dev@acme.test'])
  })

  test('open nothing else: not the workspace, not another endpoint', async () => {
    const { body: token } = await downScoped(details)
    const me = '/api/2.0/preview/scim/v2/Me'
    expect((await api(workspace.url, me, token.access_token)).status).toBe(403)
    const other = endpoint.endpoint_url.replace('fast-model', 'churn-model')
    expect((await ask(token.access_token, other)).status).toBe(403)
  })

  test.each([
    ['another id', () => details.replace(endpoint.id, '0'.repeat(32))],
    ['the name for the id', () => details.replace(endpoint.id, 'fast-model')],
    ['another action', () => details.replace('query_inference_endpoint', 'manage')],
    ['no JSON', () => 'x'],
    ['none', () => '[]']
  ])('invalid_authorization_details for %s', async (_what, wrong) => {
    for (const answer of [await downScoped(wrong()), await exchanged(machine, wrong())]) {
      expect(answer.status).toBe(400)
      expect(answer.body).toEqual({
        error: 'invalid_authorization_details',
        error_description: 'User is not authorized to the requested authorizations'
      })
    }
  })

  test('invalid_authorization_details for an endpoint that the caller may not query', async () => {
    const forbidden = await describeEndpoint('forbidden-fast-model')
    const answer = await downScoped(forbidden.data_plane_info.query_info.authorization_details)
    expect(answer.body.error).toBe('invalid_authorization_details')
  })

  test('a wrong secret is invalid_client all the same', async () => {
    const form = { grant_type: 'client_credentials', authorization_details: details }
    const credentials = basic(principal.clientId, 'wrong')
    const answer = await postForm(`${workspace.url}/oidc/v1/token`, form, credentials)
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test('an assertion that is dead or was down-scoped itself is refused', async () => {
    expect((await exchanged('x')).status).toBe(400)
    const { body: token } = await downScoped(details)
    expect((await exchanged(token.access_token)).status).toBe(400)
  })
})

describe('the data plane', () => {
  test('no token 401, an ordinary token 403, a killed one 403 Invalid access token', async () => {
    expect((await ask(undefined)).status).toBe(401)
    const ordinary = await ask(machine)
    expect(ordinary.status).toBe(403)
    expect(ordinary.body.message).toContain('does not have required scopes')
    const { body: token } = await downScoped(details)
    await setFaults(workspace.url, { invalidateAccessTokens: true })
    const killed = await ask(token.access_token)
    expect(killed.body).toMatchObject({
      error_code: 403,
      message: expect.stringMatching(/^Invalid access token\. /)
    })
    machine = (await machineToken(workspace.url, principal)).body.access_token
  })

  test('faults reach it, and its paths are its only ones', async () => {
    await setFaults(workspace.url, { apiStatus: 503, apiFaultPath: '/900800700600/' })
    expect((await ask(machine)).status).toBe(503)
    const me = '/api/2.0/preview/scim/v2/Me'
    expect((await api(workspace.url, me, machine)).status).toBe(200)
    expect((await api(workspace.dataPlaneUrl, me, machine)).status).toBe(404)
  })
})
