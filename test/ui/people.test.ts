import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor
const name = `Team ${Date.now()}`
const guest = `guest-${Date.now()}@acme.test`

beforeAll(async () => {
  visitors = await openVisitors()
  // Who has never logged in is no member yet.
  await (await visitors.open('dev@acme.test')).context.close()
  admin = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

describe('people and teams', { timeout: 60_000 }, () => {
  test('an admin sees the members, and manages one', async () => {
    const { page, goTo, look } = admin
    await goTo('/people', 'People and teams')
    const row = page.getByRole('listitem').filter({ hasText: 'admin@acme.test' })
    await row.getByText('You', { exact: true }).waitFor()
    await look('people')
    const dev = page.getByRole('listitem').filter({ hasText: 'dev@acme.test' })
    await dev.getByRole('button', { name: /^Manage/ }).click()
    await page.getByRole('dialog').getByText('Personal access tokens').waitFor()
    await page.getByRole('button', { name: 'Suspend' }).waitFor()
    await look('people-member')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('an invitation has a link to copy, stands as pending, and is revoked', async () => {
    const { page, look } = admin
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    await page.getByRole('button', { name: 'Make the invitation' }).click()
    await page.getByText('Their email address').waitFor()
    await page.getByRole('textbox', { name: 'Email' }).fill(guest)
    await page.getByRole('button', { name: 'Make the invitation' }).click()
    await page.getByRole('button', { name: 'Copy the link' }).waitFor()
    expect(await page.getByRole('dialog').textContent()).toContain(visitors.stack.weft)
    await page.getByRole('button', { name: 'I have it' }).click()
    const row = page.getByRole('listitem').filter({ hasText: guest })
    await row.getByText('Not answered yet').waitFor()
    await look('people-invitations')
    await row.getByRole('button', { name: /^Revoke/ }).click()
    await page.getByRole('button', { name: 'Revoke it' }).click()
    await row.waitFor({ state: 'detached' })
  })

  test('a team is made, renamed, gets somebody in, and is deleted', async () => {
    const { page, goTo, look } = admin
    await goTo('/people', 'People and teams')
    await page.getByRole('tab', { name: 'Teams' }).click()
    await page.getByRole('button', { name: 'New team' }).click()
    await page.getByLabel('Name of the team').fill(name)
    await page.getByRole('button', { name: 'Make the team' }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.getByPlaceholder('Add somebody').click()
    await page.getByRole('option', { name: /dev@acme\.test/ }).click()
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const row = page.getByRole('listitem').filter({ hasText: 'dev@acme.test' })
    await row.getByText('by hand').waitFor()
    await look('team')
    await page.getByRole('button', { name: 'Rename the team' }).click()
    await page.getByLabel('Name of the team').fill(`${name} renamed`)
    await page.getByRole('button', { name: 'Rename it' }).click()
    await page.getByRole('heading', { level: 1, name: `${name} renamed` }).waitFor()
    await row.getByRole('button', { name: /^Take/ }).click()
    await row.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Delete the team' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the team' }).click()
    await page.getByRole('heading', { level: 1, name: 'People and teams' }).waitFor()
  })

  test('a token for a directory is shown once beside the address to paste, and revoked', async () => {
    const { page, goTo, look } = admin
    await goTo('/people', 'People and teams')
    await page.getByRole('tab', { name: 'Your directory' }).click()
    await page.getByText(`${visitors.stack.weft}/scim/v2`).waitFor()
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByLabel('Which directory is it for?').fill(name)
    await page.getByRole('button', { name: 'Make the token' }).click()
    await page.getByRole('button', { name: 'Copy the token' }).waitFor()
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.getByText(name).waitFor()
    await look('people-directory')
    await page.getByRole('button', { name: `Revoke ${name}` }).click()
    await page.getByRole('button', { name: 'Revoke the token' }).click()
    await page.getByText(name, { exact: true }).waitFor({ state: 'detached' })
  })

  test('a member sees the teams and who is in them, changes nothing, and is told whom to ask', async () => {
    const member = await visitors.open('dev@acme.test')
    await member.goTo('/people', 'People and teams')
    await member.page.getByText('ask an admin').first().waitFor()
    await member.page.getByRole('tab', { name: 'Teams' }).click()
    expect(await member.page.getByRole('tab', { name: 'Invitations' }).count()).toBe(0)
    expect(await member.page.getByRole('button', { name: 'New team' }).count()).toBe(0)
    await member.look('people-of-a-member')
    await member.page
      .getByRole('list', { name: 'Teams' })
      .getByRole('link', { name: 'Everyone' })
      .click()
    await member.page.getByText('Its admins, marked below').waitFor()
    expect(await member.page.getByRole('button', { name: 'Rename the team' }).count()).toBe(0)
    await member.context.close()
  })
})
