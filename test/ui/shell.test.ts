import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

const budgetBytes = 250_000

let visitors: Visitors
let admin: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

describe('the shell', { timeout: 60_000 }, () => {
  test('asks who is not logged in for their organisation, and leads to where they wanted to go', async () => {
    const { page, goTo, look } = await visitors.open(null)
    await goTo('/account', 'Log in to Weft')
    await look('login')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('The short name of your organisation').waitFor()
    await page.getByLabel('Organisation').fill(visitors.stack.tenant)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('button', { name: 'dev@acme.test' }).click()
    await page.waitForURL(`${visitors.stack.weft}/console/account`)
    await page.getByRole('heading', { name: 'My account' }).waitFor()
  })

  test('loads at most 250 kB of compressed script before the first page stands', async () => {
    const { page, goTo } = await visitors.open('dev@acme.test')
    await goTo('/fabrics')
    const names = await page.evaluate<string[]>(
      "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => /\\.js$/.test(name))"
    )
    const sizes = names.map(async (name) => {
      const answer = await fetch(name, { method: 'HEAD', headers: { 'accept-encoding': 'br' } })
      return Number(answer.headers.get('content-length'))
    })
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThan(budgetBytes)
  })

  test('begins at its top for the keyboard: a link past the navigation, then the pages', async () => {
    const { page, goTo } = admin
    await goTo('/account')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the page')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
  })

  test('shows a way to each page that one may see, and on a phone behind a button', async () => {
    const { page, goTo } = await visitors.open('dev@acme.test')
    await goTo('/account')
    const names = await page.getByRole('navigation').getByRole('link').allTextContents()
    expect(names).not.toContain('Security')
    await page.setViewportSize({ width: 390, height: 844 })
    await page.getByRole('button', { name: 'Open the navigation' }).click()
    await page.getByRole('link', { name: 'Fabrics' }).click()
    await page.getByRole('heading', { name: 'Fabrics', level: 1 }).waitFor()
    expect(await page.getByRole('link', { name: 'My account' }).isVisible()).toBe(false)
  })

  test('goes on where a session ends in the middle, after a login beside it', async () => {
    const { page, context, goTo } = await visitors.open('dev@acme.test')
    await goTo('/account')
    await context.clearCookies()
    await page.getByRole('link', { name: 'Fabrics' }).click()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Log in' }).click()
    const popup = await opened
    await popup.getByRole('button', { name: 'dev@acme.test' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('Spark', { exact: true }).first().waitFor()
    expect(popup.isClosed()).toBe(true)
  })

  test('says so where there is no such page', async () => {
    await admin.goTo('/nowhere', 'No such page')
    await admin.look('not-found')
  })
})
