import type { FastifyReply, FastifyRequest } from 'fastify'

/** `__Host-`: a browser takes it only with Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2). */
export const sessionCookie = '__Host-weft_session'

/** Binds login attempts to the browser that began them. */
export const browserCookie = '__Host-weft_browser'

/** An invitation whose link was opened, until the login that may accept it. */
export const invitationCookie = '__Host-weft_invitation'
const invitationSeconds = 15 * 60

/** What the request brings under this name; read only where it is asked for. */
export function cookieOf({ headers, server }: FastifyRequest, name: string): string | null {
  const { cookie } = headers
  return cookie === undefined ? null : (server.parseCookie(cookie)[name] ?? null)
}

/** Lax, for the session must be there when the identity provider or workspace sends the browser back. */
const attributes = { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } as const

export function setSessionCookie(reply: FastifyReply, token: string, expiresAt: Date): void {
  reply.setCookie(sessionCookie, token, { ...attributes, expires: expiresAt })
}

export function clearSessionCookie(reply: FastifyReply): void {
  reply.clearCookie(sessionCookie, attributes)
}

export function setBrowserCookie(reply: FastifyReply, token: string): void {
  reply.setCookie(browserCookie, token, attributes)
}

export function setInvitationCookie(reply: FastifyReply, token: string): void {
  reply.setCookie(invitationCookie, token, { ...attributes, maxAge: invitationSeconds })
}

export function clearInvitationCookie(reply: FastifyReply): void {
  reply.clearCookie(invitationCookie, attributes)
}
