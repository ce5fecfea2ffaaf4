import { type Browserless, createBrowserless, type Landing } from './browserless.ts'
import { isObject } from './simulation/exchange.ts'
import { StackError } from './stack-error.ts'

/** A call's outcome: its status, headers and body (JSON where it is). */
export interface WeftAnswer<T = Record<string, unknown>> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
  readonly text: string
}

/** A person at Weft's public HTTP API, with a session got through the real redirects. */
export interface WeftClient {
  readonly browser: Browserless
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>
  ): Promise<WeftAnswer<T>>
  /** As `call`, and anything but `status` is an error. */
  expect<T = Record<string, unknown>>(
    status: number,
    method: string,
    path: string,
    body?: unknown
  ): Promise<T>
  /** All items of a list, page after page. */
  list<T>(path: string): Promise<T[]>
}

/** Logs `email` in at tenant `slug`. @throws StackError with where it ended instead */
export async function logIn(weft: string, slug: string, email: string): Promise<WeftClient> {
  const browser = createBrowserless()
  const { origin, pathname } = new URL(`${weft}/console`)
  const start = `${weft}/auth/login?return_to=${pathname}&tenant=${encodeURIComponent(slug)}`
  const landing = await browser.walk(start, {
    login: email,
    stopAt: (url) => url.origin === origin && url.pathname === pathname
  })
  if (landing.status !== 0) {
    throw new StackError(`${email} cannot log in at ${start}: ${describe(landing)}`)
  }
  return clientOf(weft, browser)
}

/** A caller with a service key or token instead of a session. */
export function bearerClient(weft: string, key: string): WeftClient {
  return clientOf(weft, createBrowserless(), { authorization: `Bearer ${key}` })
}

function clientOf(
  weft: string,
  browser: Browserless,
  own: Record<string, string> = {
    origin: new URL(weft).origin,
    'x-weft-csrf': '1'
  }
): WeftClient {
  const call: WeftClient['call'] = async (method, path, body, headers = {}) => {
    const answer = await browser.visit(`${weft}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...own,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { ...answer, body: parse(answer.text) }
  }
  const expect: WeftClient['expect'] = async (status, method, path, body) => {
    const answer = await call<never>(method, path, body)
    if (answer.status === status) return answer.body
    throw new StackError(
      `${method} ${path} answered ${answer.status}: ${answer.text.slice(0, 1000)}`
    )
  }
  return {
    browser,
    call,
    expect,
    async list<T>(path: string) {
      const items: T[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page: { items: T[]; nextCursor: string | null } = await expect(
          200,
          'GET',
          `${path}?limit=200${more}`
        )
        items.push(...page.items)
        cursor = page.nextCursor
      }
      return items
    }
  }
}

// what a body holds is checked where it is used, by what the test or the seed goes on to do with it
function parse<T>(text: string): T {
  try {
    return JSON.parse(text)
  } catch {
    return {} as T
  }
}

function describe({ url, status, text }: Landing): string {
  const body: unknown = parse(text)
  const detail = isObject(body) ? (body.detail ?? body.title ?? body.error_description) : undefined
  return `ended at ${url.split('?')[0]} with ${status}${detail === undefined ? '' : ` (${detail})`}`
}
