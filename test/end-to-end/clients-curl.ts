import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { failureOf, messages, misspelt, question, type World } from './clients-world.ts'

const run = promisify(execFile)

async function curl(...args: string[]) {
  const { stdout } = await run('curl', ['-sS', '--max-time', '20', ...args])
  return JSON.parse(stdout)
}

export function curlSuite(world: () => World): void {
  const key = (text = world().stack.serviceKey) => ['-H', `authorization: Bearer ${text}`]
  const json = (body: unknown) => [
    ...['-H', 'content-type: application/json'],
    ...['-d', JSON.stringify(body)]
  ]

  describe('curl', () => {
    test('gets a token by -u and queries an endpoint with it, at the fabric’s host', async () => {
      const { fabricHost, serviceAccountId, serviceKey, endpoint } = world().stack
      const grant = ['-d', 'grant_type=client_credentials', '-d', 'scope=all-apis']
      const client = `${serviceAccountId}:${serviceKey}`
      const token = await curl('-u', client, ...grant, `${fabricHost}/oidc/v1/token`)
      expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'all-apis' })
      const url = `${fabricHost}/serving-endpoints/${endpoint}/invocations`
      const answer = await curl(...key(token.access_token), ...json({ messages }), url)
      expect(answer.choices[0].message.content).toContain(question)
    })

    test('finds the login from what a workspace’s host tells of itself, at either address', async () => {
      const { weft, fabricHost, serviceAccountId, serviceKey } = world().stack
      for (const base of [fabricHost, `${weft}/fabrics/${world().seeded}`]) {
        const config = await curl(`${base}/.well-known/databricks-config`)
        expect(config).toEqual({ oidc_endpoint: `${base}/oidc`, host_type: 'workspace' })
        const root = config.oidc_endpoint
        const server = await curl(`${root}/.well-known/oauth-authorization-server`)
        expect(await curl(`${root}/.well-known/openid-configuration`)).toEqual(server)
        expect(server).toMatchObject({ issuer: root, token_endpoint: `${root}/v1/token` })
        expect(await curl(server.jwks_uri)).toMatchObject({ keys: [{ alg: 'ES256', use: 'sig' }] })
        const body = ['-d', 'grant_type=client_credentials']
        const client = ['-d', `client_id=${serviceAccountId}`, '-d', `client_secret=${serviceKey}`]
        const token = await curl(...body, ...client, server.token_endpoint)
        const me = await curl(...key(token.access_token), `${base}/api/2.0/preview/scim/v2/Me`)
        expect(me.userName).toMatch(/^[0-9a-f-]{36}$/)
      }
    })

    test('finds nothing of the management API at a fabric’s host', async () => {
      for (const path of ['/api/v1/me', '/console', '/oauth2/token', '/healthz']) {
        const answer = await curl(...key(), `${world().stack.fabricHost}${path}`)
        expect(answer).toMatchObject({ status: 404, code: 'path_not_allowed' })
      }
    })

    test('--fail-with-body ends with 22 on a problem, and prints it', async () => {
      const { weft, serviceKey } = world().stack
      const url = `${weft}/fabrics/${world().seeded}/api/2.0/serving-endpoints`
      const wrong = key(misspelt(serviceKey))
      const error = await failureOf(run('curl', ['-sS', '--fail-with-body', ...wrong, url]))
      if (!(error instanceof Error && 'code' in error && 'stdout' in error)) throw error
      expect(error.code).toBe(22)
      const problem = JSON.parse(String(error.stdout))
      expect(problem).toMatchObject({ status: 401, error_code: 'unauthenticated' })
    })
  })
}
