import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor
const name = `Loader ${Date.now()}`

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

const region = (title: string) => admin.page.getByRole('region', { name: title, exact: true })
const dialog = (title: string) => admin.page.getByRole('dialog', { name: title })

describe('service accounts', { timeout: 60_000 }, () => {
  test('an admin makes one, and stands on its page', async () => {
    const { page, goTo, look } = admin
    await goTo('/service-accounts', 'Service accounts')
    await page.getByRole('main').getByRole('listitem').first().waitFor()
    await look('service-accounts')
    await page.getByRole('button', { name: 'New service account' }).click()
    await dialog('New service account').getByRole('button', { name: 'Make it' }).click()
    await page.getByText('Say which service it is').waitFor()
    await page.getByLabel('Which service is it?').fill(name)
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.getByText('It may use no fabric yet.').waitFor()
    await look('service-account-new')
  })

  test('its key is shown once, reaches what it may use at its rate, and nothing once revoked', async () => {
    const { page, look } = admin
    const fabric = visitors.stack.fabrics[0]
    await region('Keys').getByRole('button', { name: 'New key' }).click()
    await page.getByLabel('Where will it be kept?').fill('Vault')
    await page.getByRole('button', { name: 'Make the key' }).click()
    const key = (await page.getByText(/^wfts_/).textContent()) ?? ''
    await look('service-account-key')
    await page.getByRole('button', { name: 'I have it' }).click()
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const path = `/fabrics/${fabric?.id}/serving-endpoints/${visitors.stack.endpoint}/invocations`
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] })
    const status = async () =>
      (await fetch(visitors.stack.weft + path, { method: 'POST', headers, body })).status
    expect(await status()).not.toBe(200)

    await page.getByRole('button', { name: 'Let it use a fabric' }).click()
    const form = dialog('Let it use a fabric')
    await form.getByPlaceholder('Choose one').click()
    await page.getByRole('option', { name: fabric?.name ?? '', exact: true }).click()
    await form.getByPlaceholder('Every endpoint').click()
    await page.getByRole('option', { name: visitors.stack.endpoint }).click()
    await page.keyboard.press('Tab')
    await form.getByLabel('Requests a minute, at most').fill('120')
    await look('service-account-reach')
    await form.getByRole('button', { name: 'Let it use the fabric' }).click()
    await region('Fabrics').getByText('120 requests a minute').waitFor()
    await expect.poll(status, { timeout: 10_000 }).toBe(200)

    await page.reload()
    await region('Fabrics').getByText(visitors.stack.endpoint).waitFor()
    expect(await page.content()).not.toContain(key)
    await region('How it calls').getByText(`/fabrics/${fabric?.id}/`).waitFor()
    await region('Keys').getByRole('button', { name: 'Revoke Vault' }).click()
    await page.getByRole('button', { name: 'Revoke the key' }).click()
    await page.getByText('It has no key.').waitFor()
    await expect.poll(status, { timeout: 10_000 }).toBe(401)
  })

  test('a federated identity is added by a preset, and the tester tells why a token does not match', async () => {
    const { page, look } = admin
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] })
    await page.getByRole('button', { name: 'Add an identity' }).click()
    const form = dialog('Add a federated identity')
    await form.getByText('GitHub Actions').click()
    await form.getByRole('textbox', { name: 'Name' }).fill('Deploy')
    await form.getByLabel('Subject').fill('repo:acme/lake:*')
    await form.getByLabel('Further claims').fill('workflow')
    await look('service-account-identity')
    await form.getByRole('button', { name: 'Add the identity' }).click()
    await form.getByText('One condition a line').waitFor()
    await form.getByLabel('Further claims').fill('workflow = deploy')
    await form.getByLabel('Keys of the issuer').fill(jwks)
    const audience = await form.getByLabel('Audience').inputValue()
    await form.getByRole('button', { name: 'Add the identity' }).click()
    await region('Federated identities').getByText('repo:acme/lake:*').waitFor()

    const sign = (workflow: string) =>
      new SignJWT({ workflow })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer('https://token.actions.githubusercontent.com')
        .setAudience(audience)
        .setSubject('repo:acme/lake:ref:refs/heads/main')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey)
    await page.getByRole('button', { name: 'Try a token' }).click()
    const tester = dialog('Try a token')
    await tester.getByLabel('Token of the platform').fill(await sign('test'))
    await tester.getByRole('button', { name: 'Check it' }).click()
    await tester.getByText('It is not believed').waitFor()
    await tester.getByText('needs deploy, has test').waitFor()
    await look('service-account-token-refused')
    await tester.getByLabel('Token of the platform').fill(await sign('deploy'))
    await tester.getByRole('button', { name: 'Check it' }).click()
    await tester.getByText('It is believed').waitFor()
    await page.keyboard.press('Escape')
    await tester.waitFor({ state: 'detached' })
  })

  test('networks are saved, and a wrong one says so', async () => {
    const { page, look } = admin
    const networks = region('Networks').locator('input:not([type=hidden])')
    await networks.fill('elsewhere')
    await networks.press('Enter')
    await page.getByRole('button', { name: 'Save the networks' }).click()
    await region('Networks').getByRole('alert').waitFor()
    await networks.press('Backspace')
    await networks.fill('192.0.2.0/24')
    await networks.press('Enter')
    await page.getByRole('button', { name: 'Save the networks' }).click()
    await page.getByText('The networks are saved').waitFor()
    await page.reload()
    await region('Networks').getByText('192.0.2.0/24', { exact: true }).waitFor()
    await look('service-account')
  })

  test('it is deleted after its name was typed', async () => {
    const { page } = admin
    await region('Stop it').getByRole('button', { name: 'Delete' }).click()
    const remove = page.getByRole('button', { name: 'Delete it' })
    expect(await remove.isDisabled()).toBe(true)
    await page.getByRole('dialog').getByRole('textbox').fill(name)
    await remove.click()
    await page.getByRole('heading', { level: 1, name: 'Service accounts' }).waitFor()
    await expect.poll(() => page.getByRole('link', { name }).count()).toBe(0)
  })

  test('a member is told whom to ask, and what serves a script', async () => {
    const member = await visitors.open('dev@acme.test')
    await member.goTo('/service-accounts', 'Service accounts')
    await member.page.getByText('Ask an admin of your organisation').waitFor()
    await member.look('service-accounts-member')
    await member.context.close()
  })
})
