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
  page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('request', (request) => origins.add(new URL(request.url()).origin))
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
    for (const { name } of stack.fabrics) {
      await page.getByRole('heading', { name, exact: true }).waitFor()
    }
    await page
      .getByText(/– not signed in/)
      .first()
      .waitFor()
    await capture('3-fabrics')
  })

  test('tests a connection before signing in, and is told to sign in', async () => {
    const spark = page
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { name: 'Spark', exact: true }) })
      .first()
    await spark.getByRole('button', { name: 'Test connection' }).click()
    await spark.getByText('The connection does not hold').waitFor()
    expect(await spark.getByText(/^token – failed/).count()).toBe(1)
    await capture('4-test-before-sign-in')
  })

  test('signs in at the workspace through its login and its consent page', async () => {
    const spark = page
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { name: 'Spark', exact: true }) })
      .first()
    await spark.getByRole('link', { name: 'Sign in to the workspace' }).click()
    await page.waitForURL((url) => url.origin === stack.workspaces[0])
    await capture('5-workspace-login')
    await page.getByRole('button', { name: 'dev@acme.test' }).click()
    await page.getByRole('button', { name: /allow/i }).waitFor()
    await capture('6-workspace-consent')
    await page.getByRole('button', { name: /allow/i }).click()
    await page.waitForURL(`${stack.weft}/console`)
    await page.getByText('– signed in as dev@acme.test').waitFor()
  })

  test('tests the connection again: every step appears, and it holds', async () => {
    const spark = page
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { name: 'Spark', exact: true }) })
      .first()
    await spark.getByRole('button', { name: 'Test connection' }).click()
    await spark.getByText('The connection holds').waitFor()
    const steps = await spark.locator('.steps li').allTextContents()
    expect(steps.map((text) => text.split(' – ').slice(0, 2).join(' '))).toEqual([
      ...['host', 'dns', 'tls', 'discovery', 'token', 'identity', 'scopes', 'compute'].map((step) =>
        expect.stringMatching(new RegExp(`^${step} (passed|skipped)$`))
      )
    ])
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
      `fetch('auth/logout', { method: 'POST', headers: { 'x-weft-csrf': '1' } }).then((one) => one.status)`
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
