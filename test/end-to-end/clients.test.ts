import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createDatabricksProvider } from '@databricks/ai-sdk-provider'
import { ApiError, WorkspaceClient } from '@databricks/sdk-experimental'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type StartedStack, startStack } from '../support/stack.ts'
import { resolveLocalhostNames } from './localhost-names.ts'
import { openTenancy, type Tenancy } from './tenancy.ts'

let stack: StartedStack
let tenancy: Tenancy
/** The second fabric's host; its compute is a warehouse. */
let sqlHost: string

beforeAll(async () => {
  resolveLocalhostNames()
  stack = await startStack({ logLevel: 'info' })
  tenancy = await openTenancy(stack)
  sqlHost = stack.fabricHost.replace('//spark--', '//sql--')
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

const messages = [{ role: 'user' as const, content: 'Which thread runs across the warp?' }]

describe('@databricks/sdk-experimental with a service account’s id and key, at a fabric host', () => {
  const clientOf = (host: string, clientSecret = stack.serviceKey) =>
    new WorkspaceClient({
      host,
      clientId: stack.serviceAccountId,
      clientSecret,
      authType: 'oauth-m2m'
    })

  async function failureOf(work: Promise<unknown>): Promise<unknown> {
    return await work.then(
      () => null,
      (error: unknown) => error
    )
  }

  test('logs in by itself and learns that it is the service principal', async () => {
    const me = await clientOf(stack.fabricHost).currentUser.me()
    expect(me.userName).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('lists endpoints, reads one and queries it', async () => {
    const { servingEndpoints } = clientOf(stack.fabricHost)
    const names: (string | undefined)[] = []
    for await (const { name } of servingEndpoints.list()) names.push(name)
    expect(names).toContain(stack.endpoint)
    expect((await servingEndpoints.get({ name: stack.endpoint })).name).toBe(stack.endpoint)
    const answer = await servingEndpoints.query({
      name: stack.endpoint,
      messages: messages.map(({ content }) => ({ role: 'user', content }))
    })
    expect(answer.choices?.[0]?.message?.content).toContain(messages[0]?.content)
  })

  test('runs a statement and reads its rows', async () => {
    const { compute } = await tenancy.admin.expect<{ compute: { warehouseId: string } }>(
      200,
      'GET',
      `/api/v1/fabrics/${stack.fabrics[1]?.id}`
    )
    const answer = await clientOf(sqlHost).statementExecution.executeStatement({
      statement: 'SELECT 1',
      warehouse_id: compute.warehouseId,
      wait_timeout: '30s'
    })
    expect(answer.status?.state).toBe('SUCCEEDED')
    expect(answer.result?.data_array).toEqual([['1']])
  })

  test('creates a job, runs it and waits for its end', async () => {
    const { jobs } = clientOf(stack.fabricHost)
    const tasks = [{ task_key: 'a', notebook_task: { notebook_path: '/a' } }]
    const { job_id: jobId } = await jobs.create({ name: 'Job', tasks })
    const run = await (await jobs.runNow({ job_id: Number(jobId) })).wait()
    expect(run.state).toMatchObject({ life_cycle_state: 'TERMINATED', result_state: 'SUCCESS' })
  })

  test('reads a problem of Weft’s as an error of the workspace', async () => {
    const { id } = await tenancy.fabric({ name: 'Not for it' })
    const { slug } = await tenancy.admin.expect<{ slug: string }>(
      200,
      'GET',
      `/api/v1/fabrics/${id}`
    )
    for (const name of [slug, 'no-such-fabric']) {
      const host = stack.fabricHost.replace('//spark--', `//${name}--`)
      const error = await failureOf(clientOf(host).currentUser.me())
      expect(error).toBeInstanceOf(ApiError)
      expect(error).toMatchObject({ errorCode: 'not_found', statusCode: 404 })
    }
  })

  test('I1 is refused with a key that is not right, which shows in no log', async () => {
    const wrong = `${stack.serviceKey.slice(0, -1)}${stack.serviceKey.endsWith('a') ? 'b' : 'a'}`
    const error = await failureOf(clientOf(stack.fabricHost, wrong).currentUser.me())
    expect(String(error)).toContain('Client authentication failed')
    expect(stack.log()).toContain('service_token.issue')
    expect(stack.log()).not.toContain(wrong)
  })

  test('is refused at a host of another tenant', async () => {
    const host = stack.fabricHost.replace('--acme', '--globex')
    const error = await failureOf(clientOf(host).currentUser.me())
    expect(String(error)).toContain('Client authentication failed')
  })
})

describe('openai with a service account’s token', () => {
  async function tokenOf(): Promise<string> {
    const answer = await fetch(`${stack.weft}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: stack.serviceAccountId,
        client_secret: stack.serviceKey
      })
    })
    return JSON.parse(await answer.text()).access_token
  }

  test('queries at the fabric’s path and at its host', async () => {
    const apiKey = await tokenOf()
    const bases = [`${stack.weft}/fabrics/${stack.fabrics[0]?.id}`, stack.fabricHost]
    for (const base of bases) {
      const client = new OpenAI({ baseURL: `${base}/serving-endpoints`, apiKey, maxRetries: 0 })
      const stream = await client.chat.completions.create({
        model: stack.endpoint,
        messages,
        stream: true
      })
      let text = ''
      for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
      expect(text).toContain(messages[0]?.content)
    }
  })
})

describe('@databricks/ai-sdk-provider with a service key', () => {
  const provider = () =>
    createDatabricksProvider({
      baseURL: `${stack.weft}/fabrics/${stack.fabrics[0]?.id}/serving-endpoints`,
      headers: { authorization: `Bearer ${stack.serviceKey}` }
    })
  const prompt = [
    {
      role: 'user' as const,
      content: [{ type: 'text' as const, text: messages[0]?.content ?? '' }]
    }
  ]

  test.each(['chatCompletions', 'responses'] as const)('%s, whole', async (kind) => {
    const { content } = await provider()[kind](stack.endpoint).doGenerate({ prompt })
    expect(JSON.stringify(content)).toContain(messages[0]?.content)
  })

  test.each(['chatCompletions', 'responses'] as const)('%s, streamed', async (kind) => {
    const { stream } = await provider()[kind](stack.endpoint).doStream({ prompt })
    let text = ''
    const types = new Set<string>()
    for await (const part of stream) {
      types.add(part.type)
      if (part.type === 'text-delta') text += part.delta
    }
    expect(text).toContain(messages[0]?.content)
    expect(types).toContain('finish')
    expect(types).not.toContain('error')
  })
})

describe('curl', () => {
  const run = promisify(execFile)
  const curl = async (...args: string[]) => {
    const { stdout } = await run('curl', ['-sS', '--max-time', '20', ...args])
    return JSON.parse(stdout)
  }

  test('gets a token by -u and queries an endpoint with it, at the fabric’s host', async () => {
    const client = `${stack.serviceAccountId}:${stack.serviceKey}`
    const grant = ['-d', 'grant_type=client_credentials', '-d', 'scope=all-apis']
    const token = await curl('-u', client, ...grant, `${stack.fabricHost}/oidc/v1/token`)
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'all-apis' })
    const answer = await curl(
      ...['-H', `authorization: Bearer ${token.access_token}`],
      ...['-H', 'content-type: application/json', '-d', JSON.stringify({ messages })],
      `${stack.fabricHost}/serving-endpoints/${stack.endpoint}/invocations`
    )
    expect(answer.choices[0].message.content).toContain(messages[0]?.content)
  })

  test('finds nothing of the management API at a fabric’s host', async () => {
    const key = ['-H', `authorization: Bearer ${stack.serviceKey}`]
    for (const path of ['/api/v1/me', '/console', '/oauth2/token', '/healthz']) {
      const answer = await curl(...key, `${stack.fabricHost}${path}`)
      expect(answer).toMatchObject({ status: 404, code: 'path_not_allowed' })
    }
  })
})

describe('a token ends', () => {
  test('with the key that it was got with, on the very next call', async () => {
    const path = '/api/v1/service-accounts'
    const { admin } = tenancy
    const account = await admin.expect<{ id: string }>(201, 'POST', path, { name: 'Ends' })
    const keys = `${path}/${account.id}/keys`
    const key = await admin.expect<{ id: string; key: string }>(201, 'POST', keys, { name: 'k' })
    await admin.expect(200, 'PUT', `${path}/${account.id}/fabrics`, {
      fabrics: [{ fabricId: tenancy.seeded }]
    })
    const answer = await fetch(`${stack.weft}/fabrics/${tenancy.seeded}/oidc/v1/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${account.id}:${key.key}`).toString('base64')}`
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' })
    })
    const { access_token: token } = JSON.parse(await answer.text())
    const ask = async () => {
      const url = `${stack.weft}/fabrics/${tenancy.seeded}/api/2.0/serving-endpoints`
      return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status
    }
    expect(await ask()).toBe(200)
    await admin.expect(204, 'DELETE', `${keys}/${key.id}`)
    expect(await ask()).toBe(401)
  })
})
