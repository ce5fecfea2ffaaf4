import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type StartedStack, startStack } from '../support/stack.ts'
import { openBrowser } from './browser.ts'

interface Message {
  readonly status: string
  readonly attemptId: string | null
  readonly code: string | null
  readonly workspaceUser: { readonly userName: string } | null
  readonly mismatch: string | null
}

/** One that no script turns into another. */
const plainPage = '/problems/not_found'

let stack: StartedStack
let browser: Browser
let context: BrowserContext
/** The page that opens others, at Weft. */
let opener: Page
let fabricId: string
const complaints: string[] = []

beforeAll(async () => {
  ;[stack, browser] = await Promise.all([startStack({ prefix: '/weft' }), openBrowser()])
  fabricId = stack.fabrics[0]?.id ?? 'none'
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await stack?.stop()
})
beforeEach(async () => {
  complaints.length = 0
  await context?.close()
  opener = await loggedIn(stack.weft)
  context = opener.context()
}, 60_000)

/** A browser of its own, logged in as dev, with a page that keeps what it is told. */
async function loggedIn(weft: string): Promise<Page> {
  const fresh = await browser.newContext()
  fresh.on('weberror', (error) => complaints.push(error.error().message))
  const page = await fresh.newPage()
  page.setDefaultTimeout(15_000)
  const back = encodeURIComponent(new URL(weft).pathname + plainPage)
  await page.goto(`${weft}/auth/login?tenant=${stack.tenant}&return_to=${back}`)
  await page.getByRole('button', { name: 'dev@acme.test' }).click()
  await page.waitForURL(weft + plainPage)
  await page.evaluate(`(() => {
    window.told = { posted: [], channel: [] }
    addEventListener('message', ({ origin, data }) => {
      if (origin === location.origin) window.told.posted.push(data)
    })
    new BroadcastChannel('weft:sign-in').onmessage = ({ data }) => window.told.channel.push(data)
  })()`)
  return page
}

const told = (way: 'posted' | 'channel') => opener.evaluate<Message[]>(`window.told.${way}`)

async function openPopup(features = 'popup'): Promise<Page> {
  const opened = context.waitForEvent('page')
  await opener.evaluate(
    `void window.open('/weft/sign-in/${fabricId}?display=popup', '_blank', '${features}')`
  )
  const popup = await opened
  popup.setDefaultTimeout(15_000)
  return popup
}

/** Through the workspace's login, where it asks, and its consent page. */
async function passWorkspace(page: Page, person: string | null, consent = 'Allow'): Promise<void> {
  if (person !== null) await page.getByRole('button', { name: person }).click()
  await page.getByRole('button', { name: consent, exact: true }).click()
}

const inWeft = (page: Page, method: string, path: string) =>
  page.evaluate<{ status: number; body: Record<string, unknown> }>(
    `fetch('/weft/${path}', { method: '${method}', headers: { 'x-weft-csrf': '1' } })
      .then(async (one) => ({ status: one.status, body: one.status === 204 ? {} : await one.json() }))`
  )
const signOut = () => inWeft(opener, 'DELETE', `api/v1/fabrics/${fabricId}/connection`)

describe('F48 a sign-in behind a path prefix', { timeout: 60_000 }, () => {
  test('by popup tells the page that opened it, and closes itself', async () => {
    const popup = await openPopup()
    await popup.waitForURL((url) => url.origin === stack.workspaces[0])
    const closed = popup.waitForEvent('close')
    await passWorkspace(popup, 'dev@acme.test')
    await closed
    await expect.poll(() => told('posted')).toHaveLength(1)
    const [message] = await told('posted')
    expect(message).toMatchObject({
      type: 'weft:sign-in',
      fabricId,
      status: 'succeeded',
      workspaceUser: { userName: 'dev@acme.test' },
      mismatch: null
    })
    const polled = await inWeft(opener, 'GET', `api/v1/sign-in-attempts/${message?.attemptId}`)
    expect(polled.body).toMatchObject({ status: 'succeeded', display: 'popup', owner: null })
    expect(complaints).toEqual([])
    await signOut()
  })

  test('by popup that was cut off from its opener is told on the channel of the origin', async () => {
    const popup = await openPopup('noopener')
    await popup.waitForURL((url) => url.origin === stack.workspaces[0])
    await passWorkspace(popup, 'dev@acme.test')
    await expect.poll(() => told('channel')).toMatchObject([{ status: 'succeeded' }])
    expect(await told('posted')).toEqual([])
    await signOut()
  })

  test('that is denied says whose move it is, and can be begun again from there', async () => {
    const popup = await openPopup()
    await popup.waitForURL((url) => url.origin === stack.workspaces[0])
    await passWorkspace(popup, 'dev@acme.test', 'Deny')
    await popup.waitForURL(`${stack.weft}/sign-in/attempts/*`)
    await expect.poll(() => told('posted')).toMatchObject([{ status: 'failed' }])
    await popup.getByText('You can mend this yourself.').waitFor()
    await popup.getByRole('link', { name: 'Sign in again' }).click()
    await popup.waitForURL((url) => url.origin === stack.workspaces[0])
    const closed = popup.waitForEvent('close')
    await passWorkspace(popup, null)
    await closed
    await expect.poll(async () => (await told('posted')).at(-1)?.status).toBe('succeeded')
    await signOut()
  })

  test('F30 as somebody else is told, and changes who one is when that is agreed to', async () => {
    const first = await openPopup()
    await first.waitForURL((url) => url.origin === stack.workspaces[0])
    await passWorkspace(first, 'admin@acme.test')
    await first
      .getByText('At the workspace you are admin@acme.test, here you are dev@acme.test.')
      .waitFor()
    await first.getByRole('button', { name: 'Sign in as somebody else' }).click()
    await first.waitForURL((url) => url.origin === stack.workspaces[0])
    const closed = first.waitForEvent('close')
    await passWorkspace(first, 'dev@acme.test')
    await closed
    const other = await openPopup()
    await other.waitForURL((url) => url.origin === stack.workspaces[0])
    await other.getByRole('button', { name: 'Use another account' }).click()
    await passWorkspace(other, 'admin@acme.test')
    await other.getByText('Until now you were dev@acme.test').waitFor()
    await expect
      .poll(async () => (await told('posted')).at(-1))
      .toMatchObject({
        status: 'failed',
        code: 'conflict',
        mismatch: 'another_user',
        workspaceUser: { userName: 'admin@acme.test' }
      })
    await other.getByRole('button', { name: 'Change to admin@acme.test' }).click()
    await passWorkspace(other, null)
    await other.getByRole('heading', { name: 'Signed in as admin@acme.test' }).waitFor()
    const { body } = await inWeft(opener, 'GET', `api/v1/fabrics/${fabricId}/connection`)
    expect(body).toMatchObject({ workspaceUser: { userName: 'admin@acme.test' } })
    const ended = other.waitForEvent('close')
    // A click that closes its own page may be told that the page is gone; that it goes is what is waited for.
    const clicked = other.getByRole('button', { name: 'Close this window' }).click()
    await Promise.all([ended, clicked.catch(() => undefined)])
    expect(complaints).toEqual([])
    await signOut()
  })

  test('F31 in five tabs at once, finished in another order, ends well in each', async () => {
    const tabs: Page[] = []
    for (let at = 0; at < 5; at += 1) {
      const tab = await context.newPage()
      tab.setDefaultTimeout(15_000)
      await tab.goto(`${stack.weft}/sign-in/${fabricId}?return_to=/weft${plainPage}?tab=${at}`)
      if (at === 0) await tab.getByRole('button', { name: 'dev@acme.test' }).click()
      await tab.getByRole('button', { name: 'Allow', exact: true }).waitFor()
      tabs.push(tab)
    }
    for (const at of [3, 0, 4, 2, 1]) {
      const tab = tabs[at] ?? expect.fail('five tabs')
      await tab.getByRole('button', { name: 'Allow', exact: true }).click()
      await tab.waitForURL(`${stack.weft}${plainPage}?tab=${at}`)
    }
    await signOut()
  })

  test('needed by a call is where the answer says, absolute, through the login where that is needed', async () => {
    const { status, body } = await inWeft(opener, 'GET', `api/v1/fabrics/${fabricId}/clusters`)
    expect([status, body.code]).toEqual([409, 'sign_in_needed'])
    expect(body.actionUrl).toBe(`${stack.weft}/sign-in/${fabricId}`)
    const stranger = await (await browser.newContext()).newPage()
    stranger.setDefaultTimeout(15_000)
    await stranger.goto(String(body.actionUrl))
    await stranger.getByRole('button', { name: 'dev@acme.test' }).click()
    await stranger.waitForURL((url) => url.origin === stack.workspaces[0])
    await passWorkspace(stranger, 'dev@acme.test')
    await stranger.waitForURL(`${stack.weft}/sign-in/attempts/*`)
    await stranger.getByRole('heading', { name: 'Signed in as dev@acme.test' }).waitFor()
    await stranger.getByRole('link', { name: 'Go to the console' }).click()
    await stranger.waitForURL(`${stack.weft}/console**`)
    await stranger.context().close()
    await signOut()
  })

  test('by the deployment’s other name ends at that name, from the login to the popup', async () => {
    const other = stack.weft.replace('//localhost', '//127.0.0.1')
    await context.close()
    opener = await loggedIn(other)
    context = opener.context()
    const { body } = await inWeft(opener, 'GET', `api/v1/fabrics/${fabricId}/clusters`)
    expect(body.actionUrl).toBe(`${other}/sign-in/${fabricId}`)
    const popup = await openPopup()
    await popup.waitForURL((url) => url.origin === stack.workspaces[0])
    const closed = popup.waitForEvent('close')
    await passWorkspace(popup, 'dev@acme.test')
    await closed
    await expect.poll(() => told('posted')).toMatchObject([{ status: 'succeeded' }])
    await signOut()
  })
})
