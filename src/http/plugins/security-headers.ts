import type { FastifyReply } from 'fastify'
import type { PublicUrl } from '../public-url.ts'
import { type App, surfaceOf } from '../route.ts'

const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

/** For pages: nothing from elsewhere. With a nonce, which the component library's style elements need, also what carries it. */
export function pagePolicy(nonce?: string): string {
  const own = nonce === undefined ? "'self'" : `'self' 'nonce-${nonce}'`
  return [
    "default-src 'none'",
    `script-src ${own}`,
    `style-src ${own}`,
    "connect-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join('; ')
}

const policies = { api: apiPolicy, page: pagePolicy(), data: 'sandbox' } as const

/** What every answer carries, whatever its surface. */
export type SecurityHeaders = (surface: keyof typeof policies) => Readonly<Record<string, string>>

export function securityHeaders(publicUrl: PublicUrl): SecurityHeaders {
  const always = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(publicUrl.isHttps && {
      'strict-transport-security': 'max-age=31536000; includeSubDomains'
    })
  }
  const table = {
    api: { ...always, 'content-security-policy': policies.api },
    page: { ...always, 'content-security-policy': policies.page },
    data: { ...always, 'content-security-policy': policies.data }
  }
  return (surface) => table[surface]
}

/** Sets them where the route has not said otherwise. */
export function secure(reply: FastifyReply, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) {
    if (!reply.hasHeader(name)) reply.header(name, headers[name] ?? '')
  }
}

export function installSecurityHeaders(app: App, headersOf: SecurityHeaders): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    secure(reply, headersOf(surfaceOf(request)))
    done(null, payload)
  })
}
