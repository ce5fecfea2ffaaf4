import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository, type StartedStack, startStack } from '../support/stack.ts'
import { openBrowser } from './browser.ts'

const screenshots = join(repository, '.data', 'screenshots')
const wide = { width: 1280, height: 800 }
const phone = { width: 390, height: 844 }
const session = '__Host-weft_session'

let stack: StartedStack
let browser: Browser
let context: BrowserContext
let page: Page
/** What the pages complained about, and where they asked for anything. */
const complaints: string[] = []
const origins = new Set<string>()

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true })
  ;[stack, browser] = await Promise.all([startStack(), openBrowser()])
  context = await browser.newContext({ viewport: wide })
  // The windows that a page opens are looked at as the page is.
  context.on('request', (request) => origins.add(new URL(request.url()).origin))
  page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.setDefaultTimeout(15_000)
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await stack?.stop()
})

async function capture(name: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ wide, phone })) {
    await page.setViewportSize(viewport)
    await page.screenshot({ path: join(screenshots, `${name}-${size}.png`), fullPage: true })
    const { scrolled, visible } = await page.evaluate<{ scrolled: number; visible: number }>(
      '({ scrolled: document.documentElement.scrollWidth, visible: innerWidth })'
    )
    expect(scrolled, `${name} at ${size} needs no sideways scrolling`).toBeLessThanOrEqual(visible)
  }
  await page.setViewportSize(wide)
}

const fabricLink = (name: string) =>
  page.getByRole('main').getByRole('link').filter({ hasText: name }).first()

const cookie = async (name: string) => (await context.cookies()).find((one) => one.name === name)

describe('a person with a browser', { timeout: 60_000 }, () => {
  test('is asked at the console for their organisation, and logs in by the real redirects', async () => {
    await page.goto(`${stack.weft}/`)
    expect(page.url()).toBe(`${stack.weft}/console`)
    await page.getByLabel('Organisation').waitFor()
    await capture('1-logged-out')
    complaints.length = 0 // the 401 of the first look is told on the browser's console
    await page.getByLabel('Organisation').fill(stack.tenant)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.waitForURL((url) => url.origin === stack.identityProvider)
    await capture('2-identity-provider')
    await page.getByRole('button', { name: 'dev@acme.test' }).click()
    await page.waitForURL(`${stack.weft}/console`)
    await page.getByText('dev@acme.test').waitFor()
    await page.getByRole('link', { name: 'Fabrics' }).click()
    expect(await page.getByLabel('Organisation').isVisible(), 'nobody logs in twice').toBe(false)
  })

  test('A11 has a session cookie that only this host gets and no script reads', async () => {
    expect(await cookie(session)).toMatchObject({
      secure: true,
      httpOnly: true,
      sameSite: 'Lax',
      path: '/',
      domain: 'localhost'
    })
    expect(await page.evaluate('document.cookie')).not.toContain('weft')
    const all = await context.cookies(stack.weft)
    const own = all.filter(({ name }) => name.includes('weft'))
    expect(own.map(({ name }) => name.startsWith('__Host-'))).toEqual(own.map(() => true))
  })

  test("sees the team's fabrics", async () => {
    for (const { name } of stack.fabrics) await fabricLink(name).waitFor()
    await page.getByText('Not signed in').first().waitFor()
    await capture('3-fabrics')
  })

  test('tests a connection before signing in, and is told to sign in', async () => {
    await fabricLink('Spark').click()
    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByText('The connection does not hold').waitFor()
    expect(await page.getByRole('log').getByText('failed').count()).toBe(1)
    await capture('4-test-before-sign-in')
  })

  test('signs in at the workspace through its login and its consent page', async () => {
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Sign in' }).first().click()
    const popup = await opened
    await popup.waitForURL((url) => url.origin === stack.workspaces[0])
    await popup.getByRole('button', { name: 'dev@acme.test' }).click()
    await popup.getByRole('button', { name: /allow/i }).click()
    await page.getByText('dev@acme.test (').waitFor()
    expect(popup.isClosed(), 'the window closes itself').toBe(true)
  })

  test('tests the connection again: every step appears, and it holds', async () => {
    // The test that asked for the sign-in has gone on by itself.
    await page.getByText('The connection holds').waitFor()
    const steps = await page
      .getByRole('log')
      .getByText(/skipped|passed/)
      .count()
    expect(steps).toBe(8)
    await capture('7-test-passed')
  })

  test('met no error of a script and nobody but Weft, the workspace and the provider', () => {
    expect(complaints).toEqual([])
    expect([...origins].sort()).toEqual(
      [stack.weft, stack.workspaces[0], stack.identityProvider].sort()
    )
  })

  test('logs out: the cookie goes, and its value is worth nothing any more', async () => {
    const old = await cookie(session)
    const status = await page.evaluate(
      `fetch('/auth/logout', { method: 'POST', headers: { 'x-weft-csrf': '1' } }).then((one) => one.status)`
    )
    expect(status).toBe(200)
    expect(await cookie(session)).toBeUndefined()
    const again = await fetch(`${stack.weft}/api/v1/me`, {
      headers: { cookie: `${session}=${old?.value}` }
    })
    expect(again.status).toBe(401)
    await page.goto(`${stack.weft}/console`)
    await page.getByLabel('Organisation').waitFor()
  })

  test('gets a page that says whose move it is, when a link leads nowhere', async () => {
    await page.goto(`${stack.weft}/sign-in/fab_${'0'.repeat(26)}`)
    await page.goto(`${stack.weft}/auth/login?tenant=no-such-tenant`)
    await page.getByRole('heading').first().waitFor()
    await capture('8-problem')
  })
})

describe('a session in a real browser', { timeout: 60_000 }, () => {
  /** A browser of its own, logged in as dev. */
  async function freshBrowser(): Promise<Page> {
    const fresh = await browser.newContext({ viewport: wide })
    const tab = await fresh.newPage()
    tab.setDefaultTimeout(15_000)
    await tab.goto(`${stack.weft}/auth/login?email=dev%40acme.test&return_to=/console`)
    await choosePerson(tab)
    return tab
  }

  async function choosePerson(tab: Page): Promise<void> {
    await tab.getByRole('button', { name: 'dev@acme.test' }).click()
    await tab.waitForURL((url) => url.origin === stack.weft)
  }

  const statusOf = (tab: Page) =>
    tab.evaluate<number>(`fetch('/api/v1/me').then((answer) => answer.status)`)

  test('A5 two tabs that log in at once both arrive, the later first, each where it was going', async () => {
    const fresh = await browser.newContext({ viewport: wide })
    const [first, second] = [await fresh.newPage(), await fresh.newPage()]
    await first.goto(`${stack.weft}/auth/login?tenant=${stack.tenant}&return_to=/console?tab=1`)
    await second.goto(`${stack.weft}/auth/login?tenant=${stack.tenant}&return_to=/console?tab=2`)
    await choosePerson(second)
    expect(second.url()).toBe(`${stack.weft}/console?tab=2`)
    // The provider's page in the first tab is as old as its login; that one may be asked for anew.
    await first.goto(`${stack.weft}/auth/login?tenant=${stack.tenant}&return_to=/console?tab=1`)
    await first.waitForURL(`${stack.weft}/console?tab=1`)
    expect([await statusOf(first), await statusOf(second)]).toEqual([200, 200])
    await fresh.close()
  })

  test('A6 a login over a login ends the earlier session', async () => {
    const tab = await freshBrowser()
    const before = (await tab.context().cookies()).find(({ name }) => name === session)?.value
    await tab.goto(`${stack.weft}/auth/login?tenant=${stack.tenant}`)
    await tab.waitForURL(`${stack.weft}/console`)
    const after = (await tab.context().cookies()).find(({ name }) => name === session)?.value
    expect(after).not.toBe(before)
    const old = await fetch(`${stack.weft}/api/v1/me`, {
      headers: { cookie: `${session}=${before}` }
    })
    expect(old.status).toBe(401)
    await tab.context().close()
  })

  test('A13 logging out ends the session at the identity provider too', async () => {
    const tab = await freshBrowser()
    await tab.getByRole('button', { name: 'Log out' }).click()
    await tab.waitForURL((url) => url.origin === stack.identityProvider)
    await tab.getByRole('button', { name: 'Log out' }).click()
    await tab.getByText('You are logged out').waitFor()
    await tab.goto(`${stack.weft}/auth/login?tenant=${stack.tenant}`)
    await tab.getByRole('button', { name: 'dev@acme.test' }).waitFor()
    await tab.context().close()
  })

  test('A13 a logout at the identity provider ends the session here, by the back channel', async () => {
    const tab = await freshBrowser()
    expect(await statusOf(tab)).toBe(200)
    const other = await tab.context().newPage()
    await other.goto(`${stack.identityProvider}/session/end`)
    await other.getByRole('button', { name: 'Log out' }).click()
    await other.getByText('You are logged out').waitFor()
    await expect.poll(() => statusOf(tab), { timeout: 5_000 }).toBe(401)
    await tab.goto(`${stack.weft}/console`)
    await tab.getByLabel('Organisation').waitFor()
    await tab.context().close()
  })

  test('a session that is over leads to the login and back to where one was', async () => {
    const tab = await freshBrowser()
    const csrf = `{ method: 'DELETE', headers: { 'x-weft-csrf': '1' } }`
    const ended = await tab.evaluate(
      `fetch('/api/v1/me/sessions').then((answer) => answer.json())
        .then(({ items }) => items.find(({ isCurrent }) => isCurrent).id)
        .then((id) => fetch('/api/v1/me/sessions/' + id, ${csrf})).then(({ status }) => status)`
    )
    expect([ended, await statusOf(tab)]).toEqual([204, 401])
    const [spark] = stack.fabrics
    await tab.goto(`${stack.weft}/sign-in/${spark?.id}`)
    // Logged in at the identity provider still, so that it asks nothing, and on to the workspace.
    await tab.waitForURL((url) => url.origin === stack.workspaces[0])
    await tab.context().close()
  })
})
