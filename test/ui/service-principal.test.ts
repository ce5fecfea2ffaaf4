import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import { control } from '../../src/local/seed.ts'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor
let fabric: Awaited<ReturnType<typeof newFabric>>
const principal = { clientId: randomUUID(), clientSecret: `dose${randomUUID()}` }
const accountAdmin = { clientId: randomUUID(), clientSecret: `dose${randomUUID()}` }

async function newFabric(name: string, servicePrincipal?: typeof principal) {
  const me: { teams: { id: string }[] } = await admin.call('GET', '/api/v1/me')
  return await admin.call<{ id: string; name: string }>('POST', '/api/v1/fabrics', {
    name,
    teamId: me.teams[0]?.id,
    kind: 'sql',
    provider: 'databricks',
    workspaceUrl: visitors.stack.workspaces[0],
    authMethod: 'oauth',
    ...(servicePrincipal && { servicePrincipal })
  })
}

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
  fabric = await newFabric(`Principal of the pages ${randomUUID().slice(0, 8)}`)
  const url = visitors.stack.workspaces[0]
  const known = { ...principal, displayName: 'Nightly work' }
  await control(url, '/_sim/service-principals', known)
  const mighty = { ...accountAdmin, displayName: 'Account Admin', isAccountAdmin: true }
  await control(url, '/_sim/service-principals', mighty)
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
    await page.getByLabel('Application ID').fill(principal.clientId)
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

  test('has its federation policy made by Weft, and wrong credentials are told beside their field', async () => {
    const { page, look } = admin
    await page.getByRole('button', { name: 'Let Weft make it' }).click()
    const dialog = page.getByRole('dialog', { name: 'Let Weft make the policy' })
    await dialog.getByRole('button', { name: 'Make the policy' }).click()
    await dialog.getByText('Paste the account id').waitFor()
    await dialog.getByLabel('Account console').fill(visitors.stack.workspaces[0])
    await dialog.getByLabel('Account ID').fill(simulatedAccountId)
    const clientId = dialog.getByLabel('client ID')
    const secret = dialog.getByLabel('secret', { exact: false }).first()
    const make = dialog.getByRole('button', { name: 'Make the policy' })
    await clientId.fill(principal.clientId)
    await secret.fill(principal.clientSecret)
    await make.click()
    await dialog.getByText('this service principal is not an account admin').waitFor()
    await look('federation-policy-refused')
    await clientId.fill(accountAdmin.clientId)
    await secret.fill('not its secret')
    await make.click()
    await dialog.getByText('the account refused this client ID or secret').waitFor()
    await secret.fill(accountAdmin.clientSecret)
    await make.click()
    await dialog.getByText('The policy is in place').waitFor()
    await dialog.getByText('Weft made it.').waitFor()
    expect(await page.content()).not.toContain(accountAdmin.clientSecret)
    await look('federation-policy-made')
    await dialog.getByRole('button', { name: 'Done' }).click()
  })

  test('does without a secret once an admin says so, by the policy that the page shows', async () => {
    const { page, look } = admin
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

  test('whose newest secret is refused works by the one before, and a test says so and whose move it is', async () => {
    const { page, goTo, look, call } = admin
    const made = await newFabric(`Half replaced ${randomUUID().slice(0, 8)}`, principal)
    const path = `/api/v1/fabrics/${made.id}/service-principal/client-secrets`
    await call('POST', path, { clientSecret: `dose${randomUUID()}` })
    await goTo(`/fabrics/${made.id}`, made.name)
    await page.getByText('As the service principal').click()
    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByText('The connection holds').waitFor()
    const warning = page.getByText('The newest client secret was refused; the one before it still')
    await warning.waitFor()
    await page.getByText('An admin of the team can mend this.').waitFor()
    await look('connection-test-warned')
    await goTo(`/fabrics/${made.id}/history`, made.name)
    await warning.waitFor()
  })
})
