import type { Identity, LoginChoice } from '../../identity/identity.ts'
import { textPage } from '../pages/document.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import { localPath, type PublicUrl } from '../public-url.ts'
import { queryOf, queryValue } from '../raw-query.ts'
import { type App, answers, IdOfKind, Nothing, Strict } from '../route.ts'
import { LoggedOut } from '../schemas/identity.ts'
import { LogoutForm, OAuthError } from '../schemas/oauth.ts'
import {
  browserCookie,
  clearInvitationCookie,
  clearSessionCookie,
  cookieOf,
  invitationCookie,
  sessionCookie,
  setBrowserCookie,
  setSessionCookie
} from '../session-cookie.ts'
import { takeForms } from './oauth.ts'

/** A tenant with several login providers: a link to each. */
function choicePage(
  publicUrl: PublicUrl,
  { tenantSlug, providers }: LoginChoice,
  kept: Readonly<Record<string, string | null>>
): string {
  const links = providers.map(({ id, name }) => {
    const query = new URLSearchParams({ tenant: tenantSlug, provider: id })
    for (const key in kept) if (kept[key]) query.set(key, kept[key])
    return { href: publicUrl.pathOf(`/auth/login?${query}`), text: `Log in with ${name}` }
  })
  return textPage(publicUrl, 'How do you log in?', [], ...links)
}

interface Deps {
  readonly identity: Identity
  readonly problems: ProblemWriter
}

export async function authRoutes(app: App, deps: Deps): Promise<void> {
  const { identity, problems } = deps
  app.get(
    '/auth/login',
    {
      config: { access: 'public', operation: 'login.start', surface: 'page' },
      schema: { hide: true }
    },
    async (request, reply) => {
      const { publicUrl } = request
      const returnTo = localPath(queryValue(request, 'return_to'), publicUrl)
      const email = queryValue(request, 'email') ?? queryValue(request, 'login_hint')
      const started = await identity.login.start({
        tenantSlug: queryValue(request, 'tenant'),
        loginProviderId: queryValue(request, 'provider'),
        email,
        returnTo,
        publicUrl: publicUrl.at(''),
        browserToken: cookieOf(request, browserCookie)
      })
      if ('choice' in started) {
        reply.type('text/html; charset=utf-8')
        return reply.send(choicePage(publicUrl, started.choice, { email, return_to: returnTo }))
      }
      setBrowserCookie(reply, started.browserToken)
      return reply.redirect(started.redirectUrl, 302)
    }
  )

  app.get(
    '/auth/callback/:loginProviderId',
    {
      config: { access: 'public', operation: 'login.finish', surface: 'page' },
      schema: { hide: true, params: Strict({ loginProviderId: IdOfKind('loginProvider') }) }
    },
    async (request, reply) => {
      const invitationToken = cookieOf(request, invitationCookie)
      if (invitationToken !== null) clearInvitationCookie(reply)
      const { sessionToken, expiresAt, returnTo } = await identity.login.finish({
        loginProviderId: request.params.loginProviderId,
        query: queryOf(request),
        publicUrl: request.publicUrl.at(''),
        browserToken: cookieOf(request, browserCookie),
        invitationToken,
        sessionToken: cookieOf(request, sessionCookie),
        userAgent: (request.headers['user-agent'] ?? '').slice(0, 256),
        requestId: request.id,
        source: request.ip
      })
      setSessionCookie(reply, sessionToken, expiresAt)
      const { publicUrl } = request
      const path = localPath(returnTo, publicUrl)
      return reply.redirect(
        path === null || path === publicUrl.pathOf('/') ? publicUrl.pathOf('/console') : path,
        303
      )
    }
  )

  app.post(
    '/auth/logout',
    {
      config: { access: 'public', operation: 'logout' },
      schema: {
        tags: ['me'],
        summary: 'End the session of the cookie',
        response: answers({ 200: LoggedOut })
      }
    },
    async (request, reply) => {
      const token = cookieOf(request, sessionCookie)
      const { endSessionUrl } = await identity.sessions.logout(token, request.id, request.ip)
      clearSessionCookie(reply)
      return { endSessionUrl }
    }
  )

  await app.register(async (inner: App) => {
    takeForms(inner, problems)
    inner.post(
      '/auth/backchannel-logout/:loginProviderId',
      {
        config: { access: 'public', operation: 'login.backchannel_logout' },
        schema: {
          tags: ['login providers'],
          summary: 'The identity provider ends sessions (OpenID Connect Back-Channel Logout)',
          consumes: ['application/x-www-form-urlencoded'],
          params: Strict({ loginProviderId: IdOfKind('loginProvider') }),
          body: LogoutForm,
          response: { 204: Nothing, '4xx': OAuthError, '5xx': OAuthError }
        }
      },
      async (request, reply) => {
        const { loginProviderId } = request.params
        const logoutToken = request.body.logout_token
        const { id: requestId, ip: source } = request
        await identity.backChannelLogout({ loginProviderId, logoutToken, requestId, source })
        return reply.code(204).send()
      }
    )
  })
}
