import { randomBytes } from 'node:crypto'

/** All tokens that descend from one sign-in. */
export interface Family {
  readonly id: string
  readonly clientId: string
  readonly userName: string
  /** How often a refresh token of it was presented, with or without success. */
  redemptions: number
  isRevoked: boolean
}

interface RefreshToken {
  readonly family: Family
  /** How often it was presented. */
  presented: number
}

interface AccessToken {
  readonly userName: string
  readonly family: Family | null
  readonly expiresAtMs: number
  isDead: boolean
}

export interface Issued {
  readonly accessToken: string
  readonly refreshToken: string | null
}

export type Redemption =
  | { readonly kind: 'fresh'; readonly family: Family }
  | { readonly kind: 'unknown' | 'spent' | 'revoked' }

export interface TokenRules {
  /** A refresh token may be spent once; the answer brings the next one. */
  rotate: boolean
  /** A spent refresh token that comes again ends its whole family. */
  revokeOnReuse: boolean
  accessTtlSeconds: number
}

/** What an authorization server knows of the tokens it gave out. */
export function createBooks(rules: TokenRules, now: () => number) {
  const refreshTokens = new Map<string, RefreshToken>()
  const accessTokens = new Map<string, AccessToken>()

  function issueAccess(userName: string, family: Family | null): string {
    const token = newToken('at')
    const expiresAtMs = now() + rules.accessTtlSeconds * 1_000
    accessTokens.set(token, { userName, family, expiresAtMs, isDead: books.bornDead })
    return token
  }

  function issueRefresh(family: Family): string {
    const token = newToken('rt')
    refreshTokens.set(token, { family, presented: 0 })
    return token
  }

  const books = {
    /** Whether access tokens are refused by the workspace from the moment they are issued. */
    bornDead: false,
    /** A sign-in that has just succeeded. */
    signIn(clientId: string, userName: string): Issued & { family: Family } {
      const id = randomBytes(6).toString('hex')
      const family: Family = { id, clientId, userName, redemptions: 0, isRevoked: false }
      const refreshToken = issueRefresh(family)
      return { family, refreshToken, accessToken: issueAccess(userName, family) }
    },
    /** Counts the token as presented, and spends it. */
    redeem(refreshToken: string): Redemption {
      const known = refreshTokens.get(refreshToken)
      if (known === undefined) return { kind: 'unknown' }
      known.presented += 1
      known.family.redemptions += 1
      const isReuse = rules.rotate && known.presented > 1
      if (isReuse && rules.revokeOnReuse) known.family.isRevoked = true
      if (known.family.isRevoked) return { kind: 'revoked' }
      return isReuse ? { kind: 'spent' } : { kind: 'fresh', family: known.family }
    },
    issueNext: (family: Family, spent: string): Issued => ({
      accessToken: issueAccess(family.userName, family),
      refreshToken: rules.rotate ? issueRefresh(family) : spent
    }),
    issueAccess,
    /** RFC 7009: either token of a family ends the family. */
    revoke(token: string): boolean {
      const family = refreshTokens.get(token)?.family ?? accessTokens.get(token)?.family
      if (family === undefined || family === null) return false
      family.isRevoked = true
      return true
    },
    /** Whose token it is; null when it is dead, expired or not of this server. */
    holderOf(accessToken: string): string | null {
      const known = accessTokens.get(accessToken)
      if (known === undefined || known.isDead || known.family?.isRevoked === true) return null
      return known.expiresAtMs > now() ? known.userName : null
    },
    killAccessTokens(): void {
      for (const token of accessTokens.values()) token.isDead = true
    },
    /** The sign-in that a token descends from. */
    familyOf: (token: string): string | null =>
      refreshTokens.get(token)?.family.id ?? accessTokens.get(token)?.family?.id ?? null,
    /** Times that this very token was presented. */
    presented: (refreshToken: string): number => refreshTokens.get(refreshToken)?.presented ?? 0,
    /** Whether it could still be spent. */
    isAlive(refreshToken: string): boolean {
      const known = refreshTokens.get(refreshToken)
      if (known === undefined || known.family.isRevoked) return false
      return !rules.rotate || known.presented === 0
    },
    /** Every token ever given out, to be looked for where none may be. */
    everIssued: (): readonly string[] => [...refreshTokens.keys(), ...accessTokens.keys()]
  }
  return books
}

export type Books = ReturnType<typeof createBooks>

/** Of the alphabet of b64token, and long enough never to turn up by chance. */
function newToken(kind: 'at' | 'rt'): string {
  return `canary-${kind}-${randomBytes(18).toString('base64url')}`
}
