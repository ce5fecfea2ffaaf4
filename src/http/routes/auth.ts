import type { Identity } from '../../identity/identity.ts'
import { localPath, type PublicUrl } from '../public-url.ts'
import { queryOf, queryValue } from '../raw-query.ts'
import { type App, answers, IdOfKind, Strict } from '../route.ts'
import { LoggedOut } from '../schemas/identity.ts'
import {
  browserCookie,
  clearInvitationCookie,
  clearSessionCookie,
  invitationCookie,
  sessionCookie,
  setBrowserCookie,
  setSessionCookie
} from '../session-cookie.ts'

export function authRoutes(
  app: App,
  { identity, publicUrl }: { identity: Identity; publicUrl: PublicUrl }
): void {
  app.get(
    '/auth/login',
    {
      config: { access: 'public', operation: 'login.start', surface: 'page' },
      schema: { hide: true }
    },
    async (request, reply) => {
      const { redirectUrl, browserToken } = await identity.login.start({
        tenantSlug: queryValue(request, 'tenant'),
        returnTo: localPath(queryValue(request, 'return_to'), publicUrl),
        browserToken: request.cookies[browserCookie] ?? null
      })
      setBrowserCookie(reply, browserToken)
      return reply.redirect(redirectUrl, 302)
    }
  )

  app.get(
    '/auth/callback/:loginProviderId',
    {
      config: { access: 'public', operation: 'login.finish', surface: 'page' },
      schema: { hide: true, params: Strict({ loginProviderId: IdOfKind('loginProvider') }) }
    },
    async (request, reply) => {
      const invitationToken = request.cookies[invitationCookie] ?? null
      if (invitationToken !== null) clearInvitationCookie(reply)
      const { sessionToken, expiresAt, returnTo } = await identity.login.finish({
        loginProviderId: request.params.loginProviderId,
        query: queryOf(request),
        browserToken: request.cookies[browserCookie] ?? null,
        invitationToken,
        sessionToken: request.cookies[sessionCookie] ?? null,
        userAgent: (request.headers['user-agent'] ?? '').slice(0, 256),
        requestId: request.id
      })
      setSessionCookie(reply, sessionToken, expiresAt)
      const path = localPath(returnTo, publicUrl)
      return reply.redirect(
        path === null || path === '/' ? publicUrl.pathOf('/console') : path,
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
      const token = request.cookies[sessionCookie] ?? null
      const { endSessionUrl } = await identity.sessions.logout(token, request.id)
      clearSessionCookie(reply)
      return { endSessionUrl }
    }
  )
}
