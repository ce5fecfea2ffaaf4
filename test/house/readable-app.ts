import { pino } from 'pino'
import { type AppDeps, buildApp } from '../../src/app.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openApiOf } from '../../src/http/openapi.ts'
import type { App } from '../../src/http/route.ts'

/** Stands where a room would be: it can be passed on and taken apart, and fails as soon as it is asked. */
export function unasked<T>(): T {
  const refuse = () => {
    throw new TypeError('an app that is only read asks no room')
  }
  const stand: unknown = new Proxy(refuse, {
    get: (_target, name) => (name === 'then' ? undefined : stand)
  })
  return stand as T
}

/** The app with all its routes and nothing behind them: no database, no network. */
export function buildReadableApp(): Promise<App> {
  const deps: AppDeps = {
    slowClients: { bodies: 0, readers: 0 },
    publicUrl: 'https://weft.example',
    fabricDomain: 'fabrics.example',
    trustedProxies: [],
    identity: unasked(),
    appConnections: unasked(),
    registrations: unasked(),
    fabrics: unasked(),
    federationPolicies: unasked(),
    deployments: unasked(),
    fabricSlugs: unasked(),
    gateway: unasked(),
    interchange: unasked(),
    audit: unasked(),
    webhooks: unasked(),
    operations: unasked(),
    readiness: unasked(),
    logger: pino({ enabled: false }),
    clock: systemClock(),
    newRequestId: () => 'request-1'
  }
  return buildApp(deps)
}

/** The OpenAPI document as it is committed: two-space steps, a newline at the end. */
export async function openApiText(app: App): Promise<string> {
  return `${JSON.stringify(await openApiOf(app), null, 2)}\n`
}
