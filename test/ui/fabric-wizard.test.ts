import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

const secret = 'dose-of-wizard-secret'
const jdbc = (host: string) =>
  `jdbc:databricks://${host}:443/default;httpPath=/sql/1.0/warehouses/0123456789abcdef;UID=token;PWD=${secret}`

/** Signs in at the workspace where that is asked for; another test may have done it already. */
async function signInIfAsked({ page, context }: Visitor, done: () => Promise<unknown>) {
  const prompt = page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true })
  const isAsked = await Promise.race([prompt.waitFor().then(() => true), done().then(() => false)])
  if (!isAsked) return
  const opened = context.waitForEvent('page')
  await prompt.click()
  const popup = await opened
  await popup.getByRole('button', { name: 'admin@acme.test' }).click()
  await popup.getByRole('button', { name: /allow/i }).click()
  await done()
}

const name = 'Wizard SQL'
let draft = ''

describe('the wizard', { timeout: 60_000 }, () => {
  test('says what is missing, and what it understood of a JDBC string, without the password', async () => {
    const { page, goTo, look } = admin
    await goTo('/fabrics/new', 'New fabric')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Give it a name').waitFor()
    await page.getByLabel('Name').fill(name)
    await look('wizard-basics')
    await page.getByRole('button', { name: 'Next' }).click()
    const address = page.getByLabel('Workspace URL or JDBC string')
    await address.fill(jdbc('adb-1234567890123456.7.azuredatabricks.net'))
    const understood = page.getByRole('region', { name: 'What Weft understood' })
    await understood.getByText('Azure', { exact: true }).waitFor()
    await understood.getByText('1234567890123456', { exact: true }).waitFor()
    await understood.getByText('0123456789abcdef').waitFor()
    expect(await address.inputValue()).not.toContain(secret)
    await look('wizard-workspace')
  })

  test('keeps what was typed before there is a draft, and leads back to what Weft refuses', async () => {
    const { page, goTo } = admin
    const address = page.getByLabel('Workspace URL or JDBC string')
    await address.fill('https://workspace.example.com')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Authentication' }).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('main').getByRole('alert').waitFor()
    await goTo('/fabrics', 'Fabrics')
    await goTo('/fabrics/new', 'New fabric')
    expect(await address.inputValue()).toBe('https://workspace.example.com')
    await page.getByRole('button', { name: 'Back' }).click()
    expect(await page.getByLabel('Name').inputValue()).toBe(name)
  })

  test('makes a draft, which the list leads back to, where one was', async () => {
    const { page, goTo, look } = admin
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('Workspace URL or JDBC string').fill(visitors.stack.workspaces[0])
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('switch', { name: 'Use a service principal' }).check()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Give its OAuth secret').waitFor()
    await page.getByLabel('Client ID').fill('5f0f6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e')
    await page.getByLabel(/^OAuth secret/).fill(secret)
    await look('wizard-authentication')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Compute' }).waitFor()
    draft = /fab_[0-9a-z]+/.exec(page.url())?.[0] ?? ''
    await goTo('/fabrics', 'Fabrics')
    await page.getByRole('link', { name: new RegExp(name) }).click()
    await page.getByRole('heading', { name: 'Compute' }).waitFor()
    expect(await page.content()).not.toContain(secret)
    expect(page.url()).toContain(draft)
  })

  test('asks for a sign-in in place, and lists the warehouses with their state to choose from', async () => {
    const { page, look } = admin
    const picker = page.getByRole('combobox', { name: 'SQL warehouse' })
    await signInIfAsked(admin, () => page.getByText(/warehouses seen/).waitFor())
    await picker.click()
    await page.getByRole('option', { name: /Starter Warehouse.*Running/ }).waitFor()
    await page.getByRole('option', { name: /Nightly Warehouse.*starts when asked/ }).waitFor()
    await picker.fill('starter')
    await expect.poll(() => page.getByRole('option').count()).toBe(1)
    await page.getByRole('option', { name: /Starter/ }).click()
    await page.getByLabel('Catalog').fill('main')
    await look('wizard-compute')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Test', exact: true }).waitFor()
  })

  test('streams the test step by step, and completes to the page of the fabric', async () => {
    const { page, look } = admin
    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByText('The connection holds').waitFor()
    await look('wizard-test')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText(/^passed/).waitFor()
    await look('wizard-complete')
    await page.getByRole('button', { name: 'Complete the fabric' }).click()
    await page.waitForURL(new RegExp(`${draft}/connection$`))
    await page.getByRole('heading', { level: 1, name }).waitFor()
  })
})

describe('the wizard on a phone', { timeout: 60_000 }, () => {
  test('makes a Spark draft with job sizes, tells what will not run, and takes it back', async () => {
    const { page, goTo, complaints } = admin
    await page.setViewportSize({ width: 390, height: 844 })
    await goTo('/fabrics/new', 'New fabric')
    await page.getByText('Step 1 of 6').waitFor()
    await page.getByLabel('Name').fill('Wizard on a phone')
    await page.getByRole('radio', { name: 'Spark' }).click()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('Workspace URL or JDBC string').fill(visitors.stack.workspaces[1])
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Authentication' }).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Serverless', { exact: true }).click()
    await page.getByLabel('Job sizes').fill('[{ "name": "small" ')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('This is no JSON list').waitFor()
    await page
      .getByLabel('Job sizes')
      .fill(
        '[{ "name": "small", "cluster": { "spark_version": "16.4.x-scala2.12", "node_type_id": "i3.xlarge", "num_workers": 2 } }]'
      )
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Test', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('does not run: no service principal').waitFor()
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(390)
    await page.getByRole('button', { name: 'Delete the draft' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the draft' }).click()
    await page.getByRole('heading', { level: 1, name: 'Fabrics' }).waitFor()
    expect(await page.getByText('Wizard on a phone').count()).toBe(0)
    expect(complaints).toEqual([])
  })
})

describe('a fabric of tokens and without a secret', { timeout: 60_000 }, () => {
  test('asks for the person’s token in place, and shows the policy to paste at Databricks', async () => {
    const { page, goTo, look } = admin
    await page.setViewportSize({ width: 1280, height: 800 })
    await goTo('/fabrics/new', 'New fabric')
    await page.getByLabel('Name').fill('Wizard tokens')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('Workspace URL or JDBC string').fill(visitors.stack.workspaces[1])
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('radio', { name: 'Personal access token' }).click()
    await page.getByRole('switch', { name: 'Use a service principal' }).check()
    await page.getByLabel('Client ID').fill('5f0f6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e')
    await page.getByRole('radio', { name: 'Without a secret' }).click()
    await look('wizard-authentication-federated')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Give your personal access token').waitFor()
    await look('wizard-token')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('button', { name: 'Show the policy' }).click()
    await page.getByText(/^tenant:.*:fabric:/).waitFor()
  })
})

describe('the settings of a fabric', { timeout: 60_000 }, () => {
  test('are the same steps as one form, and keep what somebody else saved in between', async () => {
    const { page, context, goTo, look, call } = admin
    const name = 'Wizard settings'
    const me: { teams: { id: string }[] } = await call('GET', '/api/v1/me')
    const made: { id: string } = await call('POST', '/api/v1/fabrics', {
      name,
      teamId: me.teams[0]?.id,
      kind: 'sql',
      provider: 'databricks',
      workspaceUrl: visitors.stack.workspaces[0],
      authMethod: 'oauth',
      compute: { warehouseId: '0123456789abcdef', catalog: 'main' }
    })
    await call('POST', `/api/v1/fabrics/${made.id}/complete`)
    await page.setViewportSize({ width: 1280, height: 800 })
    await goTo(`/fabrics/${made.id}/edit`, `Settings of ${name}`)
    await look('fabric-settings')
    const other = await context.newPage()
    await other.goto(page.url())
    await other.getByLabel('What it is for').fill('Said by somebody else')
    await other.getByRole('button', { name: 'Save' }).click()
    await other.getByText('All is saved').waitFor()
    await other.close()

    await page.getByLabel('Schema').fill('silver')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Somebody else saved this in between').waitFor()
    await page.getByRole('cell', { name: 'main.silver' }).waitFor()
    await look('fabric-settings-conflict')
    await page.getByRole('button', { name: 'Save mine' }).click()
    await page.getByText('All is saved').waitFor()
    await goTo(`/fabrics/${made.id}/edit`, `Settings of ${name}`)
    expect(await page.getByLabel('What it is for').inputValue()).toBe('Said by somebody else')
    expect(await page.getByLabel('Schema').inputValue()).toBe('silver')
  })

  test('deletes it, once its name was typed, and tells what goes with it', async () => {
    const { page, look } = admin
    const name = 'Wizard settings'
    await page.getByRole('button', { name: 'Delete the fabric' }).click()
    const dialog = page.getByRole('dialog', { name: `Delete ${name}?` })
    const sure = dialog.getByRole('button', { name: 'Delete the fabric' })
    await dialog.getByText('Everything that calls through it is refused at once').waitFor()
    expect(await sure.isDisabled()).toBe(true)
    await dialog.getByRole('textbox').fill(name)
    await look('fabric-delete')
    await sure.click()
    await page.getByRole('heading', { level: 1, name: 'Fabrics' }).waitFor()
    await page.getByText(`${name} is deleted`).waitFor()
    expect(await page.getByRole('link', { name: new RegExp(name) }).count()).toBe(0)
  })
})
