import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor
let fabric: { readonly id: string; readonly name: string }

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
  const me: { teams: { id: string }[] } = await admin.call('GET', '/api/v1/me')
  fabric = await admin.call('POST', '/api/v1/fabrics', {
    name: 'Principal of the pages',
    teamId: me.teams[0]?.id,
    kind: 'sql',
    provider: 'databricks',
    workspaceUrl: visitors.stack.workspaces[0],
    authMethod: 'oauth'
  })
}, 900_000)
afterAll(() => visitors?.close())

describe('the service principal of a fabric', { timeout: 60_000 }, () => {
  test('is missing at first, and the page says what that means and what to do', async () => {
    await admin.goTo(`/fabrics/${fabric.id}/service-principal`, fabric.name)
    await admin.page.getByRole('heading', { name: 'No service principal' }).waitFor()
    await admin.look('service-principal-none')
  })

  test('is set with an application ID and a secret, which is not shown again', async () => {
    const { page, look } = admin
    await page.getByRole('button', { name: 'Set a service principal' }).click()
    await page.getByRole('button', { name: 'Set it' }).click()
    await page.getByText('The application ID of the service principal').waitFor()
    await look('service-principal-form')
    await page.getByLabel('Application ID').fill('00000000-0000-4000-8000-000000000009')
    await page.getByLabel(/^Secret/).fill('dose-first-secret-of-the-page')
    await page.getByRole('button', { name: 'Set it' }).click()
    await page.getByRole('heading', { name: 'Secrets' }).waitFor()
    expect(await page.content()).not.toContain('dose-first-secret')
  })

  test('gets a second secret beside the first, with both in sight', async () => {
    const { page, look } = admin
    await page.getByRole('button', { name: 'Add a secret' }).click()
    await page.getByLabel(/^New secret/).fill('dose-second-secret-of-the-page')
    await page.getByRole('button', { name: 'Add it' }).click()
    await page.getByText('Previous', { exact: true }).waitFor()
    await look('service-principal')
  })

  test('may be run as by the team once an admin says so', async () => {
    const { page } = admin
    await page.getByText('The whole team').click()
    await expect
      .poll(() =>
        admin.call<{ servicePrincipalUse: string }>('GET', `/api/v1/fabrics/${fabric.id}`)
      )
      .toMatchObject({ servicePrincipalUse: 'team' })
  })

  test('does without a secret once an admin says so, by the policy that the page shows', async () => {
    const { page, look } = admin
    await page.getByRole('button', { name: 'Show the policy' }).click()
    await page.getByRole('button', { name: 'Copy the command' }).waitFor()
    await look('service-principal-federated')
    await page.getByRole('button', { name: 'do without a secret' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Do without' }).click()
    await page.getByText('it proves itself by a federation policy').waitFor()
  })

  test('is taken away only after its fabric’s name was typed', async () => {
    const { page } = admin
    await page.getByRole('button', { name: 'Take away' }).click()
    const dialog = page.getByRole('dialog')
    const sure = dialog.getByRole('button', { name: 'Take it away' })
    expect(await sure.isDisabled()).toBe(true)
    await dialog.getByRole('textbox').fill(fabric.name)
    await sure.click()
    await page.getByRole('heading', { name: 'No service principal' }).waitFor()
  })
})
