import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { control } from '../../src/local/seed.ts'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor
let fabric: { readonly id: string; readonly name: string }
const run = randomUUID().slice(0, 8)
const job = `nightly-${run}`
const principals = [randomUUID(), randomUUID()].map((clientId) => ({
  clientId,
  clientSecret: `dose${randomUUID()}`
}))
const settings = { tasks: [{ task_key: 'main', notebook_task: { notebook_path: `/dose/${run}` } }] }

const workspace = () => visitors.stack.workspaces[1]
const card = () => admin.page.getByRole('region', { name: job })

async function faults(patch: object): Promise<void> {
  const answer = await fetch(`${workspace()}/_sim/faults`, {
    method: 'PATCH',
    body: JSON.stringify(patch)
  })
  expect(answer.status).toBe(200)
}

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
  for (const principal of principals) {
    const known = { ...principal, displayName: `Jobs ${principal.clientId}` }
    await control(workspace(), '/_sim/service-principals', known)
  }
  const me: { teams: { id: string }[] } = await admin.call('GET', '/api/v1/me')
  fabric = await admin.call('POST', '/api/v1/fabrics', {
    name: `Jobs of the pages ${run}`,
    teamId: me.teams[0]?.id,
    kind: 'spark',
    provider: 'databricks',
    workspaceUrl: workspace(),
    authMethod: 'oauth',
    compute: { serverless: true },
    servicePrincipal: principals[0]
  })
  await admin.call('POST', `/api/v1/fabrics/${fabric.id}/complete`)
}, 900_000)
afterAll(async () => {
  await faults({ runRunningMs: null })
  await visitors?.close()
})

describe('deployments', { timeout: 60_000 }, () => {
  test('are made from settings, run, and followed live to the end', async () => {
    const { page, goTo, look } = admin
    await goTo(`/fabrics/${fabric.id}/deployments`, fabric.name)
    await page.getByRole('button', { name: 'Deploy', exact: true }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(job)
    await dialog.getByLabel('Settings').fill(JSON.stringify(settings))
    await dialog.getByRole('button', { name: 'Deploy', exact: true }).click()
    await card().getByText('deployed', { exact: true }).waitFor()
    await card().getByRole('button', { name: 'Run now' }).click()
    await card().getByText('succeeded', { exact: true }).waitFor({ timeout: 30_000 })
    await look('deployments')
  })

  test('a run that is under way is canceled', async () => {
    await faults({ runRunningMs: 3_600_000 })
    await card().getByRole('button', { name: 'Run now' }).click()
    await card().getByText('running', { exact: true }).waitFor()
    await card().getByRole('button', { name: 'Cancel' }).click()
    await card().getByText('canceled', { exact: true }).waitFor({ timeout: 30_000 })
    await card().getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' })
    await faults({ runRunningMs: null })
  })

  test('another service principal leaves the job behind, and it is deployed anew from its last settings', async () => {
    const { page, goTo, look, call } = admin
    const path = `/api/v1/fabrics/${fabric.id}`
    const { version } = await call<{ version: number }>('GET', path)
    await call('PATCH', path, { version, servicePrincipal: principals[1] })
    await goTo(`/fabrics/${fabric.id}/deployments`, fabric.name)
    await card().getByText('The fabric has another service principal').waitFor()
    expect(await card().getByRole('button', { name: 'Run now' }).isDisabled()).toBe(true)
    await look('deployment-orphaned')
    await card().getByRole('button', { name: 'Deploy anew' }).click()
    const dialog = page.getByRole('dialog', { name: `Deploy ${job} anew` })
    const text = dialog.getByLabel('Settings')
    expect(JSON.parse(await text.inputValue())).toEqual(settings)
    await look('deployment-anew')
    await dialog.getByRole('button', { name: 'Deploy', exact: true }).click()
    await card().getByText('deployed', { exact: true }).waitFor()
    await card().getByText('Earlier jobs that Weft no longer reaches').waitFor()
  })

  test('are deleted with their job', async () => {
    const { page } = admin
    await card().getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText(`${job} is deleted`).waitFor()
  })
})
