import { createHash } from 'node:crypto'
import { type Configuration, interactionPolicy } from 'oidc-provider'
import type { FaultBoard } from '../simulation/faults.ts'
import { page } from '../simulation/page.ts'
import type { SigningKey } from '../simulation/signing-key.ts'

export interface LoginPerson {
  readonly email: string
  readonly name: string
}

/** oidc-provider's settings: code flow, a login page, no consent, logout that the client can start. */
export function configuration(
  people: readonly LoginPerson[],
  key: SigningKey,
  faults: FaultBoard,
  port: number
): Configuration {
  const policy = interactionPolicy.base()
  policy.remove('consent')
  return {
    jwks: { keys: [key.jwk] },
    cookies: {
      keys: [
        createHash('sha256')
          .update(key.jwk.d ?? '')
          .digest('hex')
      ],
      names: {
        session: `idp_session_${port}`,
        interaction: `idp_interaction_${port}`,
        resume: `idp_resume_${port}`
      }
    },
    responseTypes: ['code'],
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username']
    },
    conformIdTokenClaims: false,
    pkce: { required: () => false },
    ttl: {
      AccessToken: () => faults.current.accessTokenTtlSeconds,
      RefreshToken: () => faults.current.refreshTokenTtlSeconds,
      AuthorizationCode: 60,
      IdToken: 3600,
      Interaction: 3600,
      Session: 24 * 3600,
      Grant: 24 * 3600
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          const button = '<button type="submit" name="logout" value="yes">Log out</button>'
          ctx.body = page('Log out?', form.replace('</form>', `${button}</form>`))
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = page('You are logged out', '')
        }
      }
    },
    // Its own dispatcher refuses loopback, where all clients of this provider are.
    fetch: (url, options = {}) => {
      const { dispatcher: _, ...own } = options
      return fetch(url, own)
    },
    interactions: { url: (_ctx, { uid }) => `/login/${uid}`, policy },
    loadExistingGrant: async (ctx) => {
      const { client, session, provider } = ctx.oidc
      if (!client || !session?.accountId) return undefined
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid email profile offline_access')
      await grant.save()
      return grant
    },
    findAccount: (_ctx, accountId) => {
      const person = people.find(({ email }) => subjectOf(email) === accountId)
      if (!person) return undefined
      const [given = '', ...family] = person.name.split(' ')
      const claims = {
        sub: accountId,
        email: person.email,
        email_verified: true,
        name: person.name,
        given_name: given,
        family_name: family.join(' '),
        preferred_username: person.email
      }
      return { accountId, claims: () => claims }
    },
    renderError: (ctx, { error, error_description: description }) => {
      ctx.body = { error, error_description: description }
    }
  }
}

/** Stable over starts, and nothing that one could take for an email. */
export function subjectOf(email: string): string {
  return `idp-${createHash('sha256').update(email).digest('hex').slice(0, 20)}`
}
