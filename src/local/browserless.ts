/**
 * A browser as far as logins need one: keeps cookies, follows redirects, presses the buttons of plain forms.
 * Owns: the cookie jar. May touch: http on loopback. Never: runs a script or skips a page.
 */
import { StackError } from './stack-error.ts'

export interface Visit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Landing {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface Choices {
  /** Whose button to press where somebody asks who you are. */
  readonly login: string
  readonly consent?: 'allow' | 'deny'
  /** Stops before this address is requested, and lands there with status 0. */
  readonly stopAt?: (url: URL) => boolean
}

export interface Browserless {
  /** One request; redirects are not followed. */
  visit(url: string, visit?: Visit): Promise<Landing>
  /** From `url` through redirects, login pages and consent pages to whatever comes after them. */
  walk(url: string, choices: Choices): Promise<Landing>
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly path: string
}

const hopsMax = 30

export function createBrowserless(): Browserless {
  let jar: Cookie[] = []
  const keep = (url: URL, lines: readonly string[]) => {
    for (const line of lines) {
      const { cookie, isGone } = parseCookie(url, line)
      jar = jar.filter((one) => !isSame(one, cookie))
      if (!isGone) jar.push(cookie)
    }
  }
  // as in browsers: by host name and path, never by port
  const cookiesFor = (url: URL) =>
    jar
      .filter(({ host, path }) => host === url.hostname && isWithin(url.pathname, path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  const visit: Browserless['visit'] = async (
    address,
    { method = 'GET', headers = {}, body } = {}
  ) => {
    const url = new URL(address)
    const cookie = cookiesFor(url)
    const answer = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(cookie === '' ? {} : { cookie }) },
      ...(body === undefined ? {} : { body })
    })
    keep(url, answer.headers.getSetCookie())
    return {
      url: url.href,
      status: answer.status,
      headers: answer.headers,
      text: await answer.text()
    }
  }
  const walk: Browserless['walk'] = async (address, choices) => {
    let next: { url: string; visit?: Visit } = { url: address }
    for (let hop = 0; hop < hopsMax; hop++) {
      const here = await visit(next.url, { headers: { accept: 'text/html' }, ...next.visit })
      const location = here.headers.get('location')
      if (here.status >= 300 && here.status < 400 && location !== null) {
        const target = new URL(location, here.url)
        if (choices.stopAt?.(target)) return { ...here, url: target.href, status: 0, text: '' }
        next = { url: target.href }
        continue
      }
      const form = formOf(here, choices)
      if (!form) return here
      next = form
    }
    throw new StackError(`more than ${hopsMax} redirects from ${address}`)
  }
  return { visit, walk }
}

/** What pressing the right button of a page's form sends; undefined when there is no such form. */
function formOf(page: Landing, choices: Choices): { url: string; visit: Visit } | undefined {
  if (!page.headers.get('content-type')?.startsWith('text/html')) return undefined
  const form = /<form[^>]*method="post"[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/i.exec(
    page.text
  )
  if (!form) return undefined
  const [, action = '', inside = ''] = form
  const press = buttonOf(inside, choices)
  if (!press) return undefined
  const hidden = inside.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)
  const sent = {
    ...Object.fromEntries([...hidden].map(([, name, value]) => [name, value])),
    ...press
  }
  const url = new URL(unescaped(action), page.url)
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: url.origin }
  return {
    url: url.href,
    visit: { method: 'POST', headers, body: new URLSearchParams(sent).toString() }
  }
}

function buttonOf(form: string, choices: Choices): Record<string, string> | undefined {
  if (form.includes('name="login"')) return { login: choices.login }
  if (form.includes('name="consent"')) return { consent: choices.consent ?? 'allow' }
  if (form.includes('name="logout"')) return { logout: 'yes' }
  return undefined
}

function parseCookie(url: URL, line: string): { cookie: Cookie; isGone: boolean } {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
  const split = pair.indexOf('=')
  const attribute = (name: string) =>
    attributes.find((one) => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
  const expires = attribute('expires')
  const isGone =
    attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) < 1000)
  const value = pair.slice(split + 1)
  const cookie = {
    name: pair.slice(0, split),
    value,
    host: url.hostname,
    path: attribute('path') ?? '/'
  }
  return { cookie, isGone: isGone || value === '' }
}

function isSame(left: Cookie, right: Cookie): boolean {
  return left.name === right.name && left.host === right.host && left.path === right.path
}

function isWithin(path: string, root: string): boolean {
  return root === '/' || path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`)
}

function unescaped(value: string): string {
  return value.replaceAll('&amp;', '&')
}
