import { randomUUID } from 'node:crypto'
import { beforeAll, expect, inject, test } from 'vitest'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import { control } from '../../src/local/seed.ts'
import type { StackSummary } from '../../src/local/stack-file.ts'
import { bearerClient, logIn, type WeftClient } from '../../src/local/weft-client.ts'

/** It has no secret at all: nothing could be stored, or leak. */
const principal = { clientId: randomUUID(), displayName: 'Secretless Worker' }
const accountAdmin = { clientId: randomUUID(), clientSecret: `canary-${randomUUID()}` }

let stack: StackSummary
let admin: WeftClient
let fabric: FabricView
let service: WeftClient

beforeAll(async () => {
  const answer: unknown = await (await fetch(inject('sharedStackUrl'))).json()
  stack = answer as StackSummary // what the stack itself printed
  const workspaceUrl = stack.workspaces[0] ?? ''
  const clientSecret = `never-told-${randomUUID()}`
  await control(workspaceUrl, '/_sim/service-principals', { ...principal, clientSecret })
  await control(workspaceUrl, '/_sim/service-principals', {
    ...accountAdmin,
    displayName: 'Account Admin',
    isAccountAdmin: true
  })
  admin = await logIn(stack.weft, stack.tenant, 'admin@acme.test')
  const [team] = await admin.list<{ id: string }>('/api/v1/teams')
  fabric = await admin.expect<FabricView>(201, 'POST', '/api/v1/fabrics', {
    name: `Secretless ${randomUUID()}`,
    kind: 'spark',
    teamId: team?.id,
    provider: 'databricks',
    workspaceUrl,
    authMethod: 'oauth',
    servicePrincipal: { clientId: principal.clientId, federated: true }
  })
  await admin.expect(200, 'POST', `/api/v1/fabrics/${fabric.id}/complete`)
  const account = await admin.expect<{ id: string }>(201, 'POST', '/api/v1/service-accounts', {
    name: `Secretless ${randomUUID()}`
  })
  const path = `/api/v1/service-accounts/${account.id}`
  await admin.expect(200, 'PUT', `${path}/fabrics`, { fabrics: [{ fabricId: fabric.id }] })
  const { key } = await admin.expect<{ key: string }>(201, 'POST', `${path}/keys`, { name: 'one' })
  service = bearerClient(stack.weft, key)
}, 180_000)

const ask = () =>
  service.call<{ code?: string; choices?: { message: { content: string } }[] }>(
    'POST',
    `/fabrics/${fabric.id}/serving-endpoints/whoami/invocations`,
    { messages: [{ role: 'user', content: 'Who am I?' }] }
  )

test('without its policy at the account a service principal is refused, and it says whose move it is', async () => {
  const { status, body } = await ask()
  expect([status, body.code]).toEqual([502, 'federation_policy_missing'])
})

test('registered by Weft once, the policy lets services call as the service principal', async () => {
  const registration = `/api/v1/fabrics/${fabric.id}/federation-policy/register`
  const made = await admin.expect(200, 'POST', registration, {
    accountHost: stack.workspaces[0],
    accountId: simulatedAccountId,
    ...accountAdmin
  })
  expect(made).toMatchObject({ outcome: 'created', clientId: principal.clientId })
  const answer = await ask()
  expect(answer.body.choices?.[0]?.message.content).toBe(principal.clientId)
  expect(answer.headers.get('x-weft-identity')).toBe('service_principal')
})

test('its deployments run as it, too', async () => {
  const path = `/api/v1/fabrics/${fabric.id}/deployments/nightly`
  const put = await admin.expect(200, 'PUT', path, {
    settings: { tasks: [{ task_key: 'main', notebook_task: { notebook_path: '/Shared/nightly' } }] }
  })
  expect(put).toMatchObject({ state: 'deployed', servicePrincipal: principal.clientId })
  const { runId } = await admin.expect<{ runId: string }>(201, 'POST', `${path}/runs`, {})
  const run = await admin.expect(200, 'GET', `${path}/runs/${runId}`)
  expect(run).toMatchObject({ runAs: principal.clientId })
})
