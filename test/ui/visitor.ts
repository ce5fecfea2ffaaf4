import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Browser, BrowserContext, Page, Response } from 'playwright-core'
import { expect, inject, onTestFailed } from 'vitest'
import { openBrowser } from '../browser/browser.ts'
import type { SharedStack } from '../support/shared-stack.ts'
import { repository } from '../support/stack.ts'

const screens = join(repository, '.data', 'screens')
const wide = { width: 1280, height: 800 }
const narrow = { width: 390, height: 844 }
/** Cumulative layout shift: below it nobody sees a jump. */
const shiftMax = 0.02

/** A person in a browser of their own, and what their pages complained about. */
export interface Visitor {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of scripts and of the console, violations of the content security policy, foreign requests. */
  readonly complaints: string[]
  /** Goes to a path of the console and waits until its heading stands there. */
  goTo(path: string, heading?: string): Promise<void>
  /** Asks the API as this person, from the page that they are on: to make what a test is about. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>
  /** Looks at the page as it is now – wide, narrow, dark – and expects nothing wrong with it. */
  look(name: string): Promise<void>
  /** Another tab of the same browser: the same session. */
  openTab(): Promise<Visitor>
}

export interface Visitors {
  readonly stack: SharedStack
  /** Logs in by the real redirects. @param email null: nobody is logged in */
  open(email: string | null, tenant?: string): Promise<Visitor>
  close(): Promise<void>
}

/** The stack that all tests of the pages share, and browsers at it. What a test makes is its own, by name. */
export async function openVisitors(): Promise<Visitors> {
  mkdirSync(screens, { recursive: true })
  const [turn, stack, browser] = await Promise.all([takeTurn(), askForStack(), openBrowser()])
  return {
    stack,
    open: (email, tenant = stack.tenant) => openVisitor({ stack, browser, email, tenant }),
    async close() {
      await browser.close()
      turn.destroy()
    }
  }
}

/** One file at a time: its people's sign-ins are everybody's. Waits as long as it takes. */
async function takeTurn(): Promise<IncomingMessage> {
  const asked = get(`${inject('sharedStackUrl')}/turn`)
  const [answer]: IncomingMessage[] = await once(asked, 'response')
  if (answer === undefined) throw new TypeError('no turn')
  return answer
}

async function askForStack(): Promise<SharedStack> {
  const answer = await fetch(inject('sharedStackUrl'))
  if (!answer.ok) throw new TypeError(await answer.text())
  const stack: unknown = await answer.json()
  return stack as SharedStack // what the stack itself printed
}

interface Opening {
  readonly stack: SharedStack
  readonly browser: Browser
  readonly email: string | null
  readonly tenant: string
}

async function openVisitor({ stack, browser, email, tenant }: Opening): Promise<Visitor> {
  const context = await browser.newContext({ viewport: wide, reducedMotion: 'reduce' })
  const complaints: string[] = []
  await context.addInitScript(`
    addEventListener('securitypolicyviolation', (event) =>
      console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI))
    globalThis.shifted = 0
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifted += entry.value
    }).observe({ type: 'layout-shift', buffered: true })
  `)
  const isOurs = (url: string) => new URL(url).origin === stack.weft
  context.on('page', (page) => {
    page.setDefaultTimeout(15_000)
    page.on('pageerror', (error) => complaints.push(`script: ${error.message}`))
    page.on('console', (message) => {
      const isHere = isOurs(page.url()) && !/status of 4\d\d/.test(message.text())
      if (message.type() === 'error' && isHere) complaints.push(`console: ${message.text()}`)
    })
    page.on('request', (request) => {
      const isSeen = request.resourceType() !== 'document' && isOurs(page.url())
      const url = request.url()
      if (isSeen && !url.startsWith('data:') && !isOurs(url)) complaints.push(`foreign: ${url}`)
    })
    page.on('response', (response: Response) => {
      if (response.status() >= 500) complaints.push(`${response.status()}: ${response.url()}`)
    })
  })
  const page = await context.newPage()
  if (email !== null) {
    await page.goto(`${stack.weft}/auth/login?tenant=${tenant}&return_to=/console/done`)
    await page.getByRole('button', { name: email }).click()
    await page.waitForURL(`${stack.weft}/console/done`)
  }
  return visitorAt(page, stack.weft, complaints)
}

function visitorAt(page: Page, weft: string, complaints: string[]): Visitor {
  const context = page.context()
  return {
    page,
    context,
    complaints,
    async goTo(path, heading) {
      onTestFailed(({ task }) => picture(page, `failed-${task.name.slice(0, 60)}`))
      await page.goto(`${weft}/console${path}`)
      const first = heading === undefined ? {} : { name: heading }
      await page.getByRole('heading', { level: 1, ...first }).waitFor()
      await loaded(page)
      const shifted = await page.evaluate<number>('globalThis.shifted')
      if (shifted > shiftMax) complaints.push(`${path} jumps while it loads: ${shifted}`)
    },
    call: (method, path, body) => callFrom(page, method, path, body),
    look: (name) => look(page, name, complaints),
    openTab: async () => visitorAt(await context.newPage(), weft, complaints)
  }
}

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const colours = 'color-contrast'
/** Each way of looking, and the rules whose answer is another one there. Colours are what costs most. */
const ways = [
  { kind: 'wide', viewport: wide, colorScheme: 'light', axe: { runOnly: tags } },
  {
    kind: 'narrow',
    viewport: narrow,
    colorScheme: 'light',
    axe: { runOnly: tags, rules: { [colours]: { enabled: false } } }
  },
  { kind: 'dark', viewport: wide, colorScheme: 'dark', axe: { runOnly: [colours] } }
] as const

/** What is well is not gathered, and style sheets are not fetched once more: half the time is theirs. */
const slim = { resultTypes: ['violations'], preload: false }
const axeRun = (
  options: object
) => `axe.run(document, ${JSON.stringify({ ...slim, ...options })}).then(
  ({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target, html }) =>
    target + ' ' + html.slice(0, 160)).join(' | ')))`

/** The page as it is, for whoever has to find out why a test failed. */
async function picture(page: Page, name: string): Promise<void> {
  const path = join(screens, `${name.replaceAll(/\W+/g, '-')}.png`)
  await page.screenshot({ path, fullPage: true }).catch(() => undefined)
}

async function callFrom<T>(page: Page, method: string, path: string, body: unknown): Promise<T> {
  const csrf = { 'x-weft-csrf': '1' }
  const init =
    body === undefined
      ? { method, headers: csrf }
      : {
          method,
          headers: { ...csrf, 'content-type': 'application/json' },
          body: JSON.stringify(body)
        }
  return await page.evaluate<T>(`fetch(${JSON.stringify(path)}, ${JSON.stringify(init)}).then(async (answer) => {
    const text = await answer.text()
    if (!answer.ok) throw new TypeError(text)
    return text === '' ? null : JSON.parse(text)
  })`)
}

/** Until nothing says any more that it loads. */
async function loaded(page: Page): Promise<void> {
  await expect
    .poll(() => page.getByRole('status').filter({ hasText: 'Loading' }).count(), {
      timeout: 15_000
    })
    .toBe(0)
}

/** The whole page; larger as a file, and twice as soon there as Playwright's. */
const fastPicture = { format: 'png', captureBeyondViewport: true, optimizeForSpeed: true } as const

async function look(page: Page, name: string, complaints: readonly string[]): Promise<void> {
  await loaded(page)
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(axe.source)
  const found: string[] = []
  const devtools = await page.context().newCDPSession(page)
  for (const { kind, viewport, colorScheme, axe: options } of ways) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize(viewport)
    const shot = await devtools.send('Page.captureScreenshot', fastPicture)
    writeFileSync(join(screens, `${name}-${kind}.png`), shot.data, 'base64')
    const overhang = await page.evaluate<number>(
      'document.documentElement.scrollWidth - innerWidth'
    )
    if (overhang > 0) found.push(`${kind}: ${overhang} pixels must be scrolled sideways`)
    const violations = await page.evaluate<string[]>(axeRun(options))
    found.push(...violations.map((violation) => `${kind}: ${violation}`))
  }
  await devtools.detach()
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(wide)
  expect(found, `${name}: WCAG, and room on a phone`).toEqual([])
  expect(complaints, `${name}: scripts, console, policy, foreign requests, jumps`).toEqual([])
}
