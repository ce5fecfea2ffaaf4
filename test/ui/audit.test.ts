import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor
const name = `Audited ${Date.now()}`

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

describe('the audit', { timeout: 60_000 }, () => {
  test('tells in words who did what, with details on demand, and that its chain holds', async () => {
    const { page, goTo, call, look } = admin
    await goTo('/audit', 'Audit')
    await call('POST', '/api/v1/service-accounts', { name })
    await page.reload()
    await page.getByText('Chain verified').waitFor()
    const row = page.getByRole('listitem').filter({ hasText: 'made a service account' }).first()
    await row.getByText('Ada Admin').waitFor()
    await row.getByRole('button').click()
    await row.getByText('service_account.create').waitFor()
    await row.getByText(name).waitFor()
    await look('audit')
  })

  test('is filtered by what and day, and the file holds what the filter finds', async () => {
    const { page } = admin
    await page.getByPlaceholder('Everything').fill('made a service account')
    await page.getByRole('option', { name: 'made a service account' }).click()
    await page
      .getByRole('listitem')
      .filter({ hasText: 'logged in' })
      .first()
      .waitFor({ state: 'detached' })
    const coming = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export as NDJSON' }).click()
    const lines = (await readFile(await (await coming).path(), 'utf8')).trim().split('\n')
    const events = lines.map((line): { action: string } => JSON.parse(line))
    expect(events.length).toBeGreaterThan(0)
    expect(new Set(events.map(({ action }) => action))).toEqual(new Set(['service_account.create']))
    await page.getByLabel('To day').fill('2001-01-01')
    await page.getByText('Nothing matches').waitFor()
  })

  test('its head is kept in a file, and the record is held against it', async () => {
    const { page, goTo } = admin
    await goTo('/audit', 'Audit')
    const coming = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Keep its head' }).click()
    const file = await (await coming).path()
    const kept = await readFile(file, 'utf8')
    const choose = async (text: string) => {
      const choosing = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: 'Check against a kept head' }).click()
      const buffer = Buffer.from(text)
      await (await choosing).setFiles({ name: 'head.txt', mimeType: 'text/plain', buffer })
    }
    await choose(`kept: ${kept}`)
    await page.getByText('Chain verified against the kept head').waitFor()
    await admin.look('audit-head')
    await choose('no head at all')
    await page
      .getByRole('alert')
      .getByText(/anchors/)
      .first()
      .waitFor()
  })

  test('a record that was changed is shown as the first that does not fit', async () => {
    const { page } = admin
    const body = JSON.stringify({ isIntact: false, count: 6, firstBadSeq: 7, fault: 'altered' })
    await page.route('**/audit-events/verify', (route) =>
      route.fulfill({ contentType: 'application/json', body })
    )
    await page.reload()
    await page.getByText('Record 7 is the first').waitFor()
    await admin.look('audit-changed')
    await page.unroute('**/audit-events/verify')
  })

  test('a member has no way there, and is told whom to ask', async () => {
    const member = await visitors.open('dev@acme.test')
    await member.goTo('/audit', 'Audit')
    await member.page.getByText('ask one of them').waitFor()
    expect(await member.page.getByRole('link', { name: 'Audit' }).count()).toBe(0)
    await member.look('audit-of-a-member')
    await member.context.close()
  })
})
