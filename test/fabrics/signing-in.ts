import { asId, type FabricId } from '../../src/base/ids.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import type { SignInStart } from '../../src/fabrics/fabrics.ts'
import { createBrowserless } from '../../src/local/browserless.ts'
import { publicUrl, type World } from './world.ts'

export const session = 'ses_of_the_browser'

export interface Callback {
  readonly appConnectionId: ReturnType<typeof appConnectionOf>
  readonly query: string
  readonly sessionId: string
}

const appConnectionOf = (id: string) => asId('appConnection', id)

/** Through the workspace's own pages to where it sends the browser back to. */
export async function walk(
  authorizationUrl: string,
  choices: { login?: string; consent?: 'allow' | 'deny' } = {}
): Promise<Callback> {
  const landing = await createBrowserless().walk(authorizationUrl, {
    login: choices.login ?? 'dev@acme.test',
    consent: choices.consent ?? 'allow',
    stopAt: (url) => url.origin === publicUrl
  })
  const url = new URL(landing.url)
  if (url.origin !== publicUrl) throw new TypeError(`stuck at ${landing.status}: ${landing.text}`)
  const appConnectionId = appConnectionOf(url.pathname.split('/').at(-1) ?? '')
  return { appConnectionId, query: url.search.slice(1), sessionId: session }
}

/** Begins an attempt and goes through the pages; what is left is the callback. */
export async function begin(
  world: World,
  scope: TenantScope,
  id: FabricId,
  choices: Parameters<typeof walk>[1] & Partial<SignInStart> = {}
) {
  const { login: _login, consent: _consent, ...options } = choices
  const started = await world.fabrics.startSignIn(scope, id, {
    sessionId: session,
    returnTo: null,
    ...options
  })
  return { ...started, callback: await walk(started.authorizationUrl, choices) }
}

export async function signIn(world: World, scope: TenantScope, id: FabricId): Promise<void> {
  const { callback } = await begin(world, scope, id)
  await world.fabrics.finishSignIn(scope, callback)
}
