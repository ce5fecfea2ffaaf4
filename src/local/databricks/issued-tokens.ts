import { createHash } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import type { SigningKey } from '../simulation/signing-key.ts'

/** What a presented bearer token stands for. */
export interface BearerClaims {
  readonly tokenId: string
  readonly principal: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly familyId: string | null
  readonly isDead: boolean
  /** It carries `authorization_details` (RFC 9396) and opens nothing else. */
  readonly isDownScoped: boolean
  /** `{object_path}` of each serving endpoint that a down-scoped token may query. */
  readonly objectPaths: readonly string[]
}

/** The access tokens that a workspace issued: which family each belongs to, and which are dead. */
export interface IssuedTokens {
  add(tokenId: string, familyId: string | null): void
  killFamily(familyId: string): void
  killAll(): void
  /** undefined for what this workspace never signed. */
  read(token: string): Promise<BearerClaims | undefined>
}

type Verified = Omit<BearerClaims, 'familyId' | 'isDead'> & { readonly expiresAtMs: number }

const verifiedMax = 5000

export function createIssuedTokens(
  key: SigningKey,
  issuer: string,
  nowMs: () => number
): IssuedTokens {
  const families = new Map<string, string | null>()
  /** What was issued since the last `killAll`; null before the first. */
  let spared: Set<string> | null = null
  const deadFamilies = new Set<string>()
  const verified = new Map<string, Verified>()
  const verify = async (token: string): Promise<Verified | undefined> => {
    const digest = createHash('sha256').update(token).digest('base64url')
    const known = verified.get(digest)
    if (known) return known
    const claims = await claimsOf(token, key, issuer)
    if (!claims) return undefined
    if (verified.size >= verifiedMax) verified.clear()
    verified.set(digest, claims)
    return claims
  }
  return {
    add(tokenId, familyId) {
      families.set(tokenId, familyId)
      spared?.add(tokenId)
    },
    killFamily: (familyId) => void deadFamilies.add(familyId),
    killAll() {
      spared = new Set()
    },
    async read(token) {
      const claims = await verify(token)
      if (!claims) return undefined
      const { expiresAtMs, ...told } = claims
      const { tokenId } = told
      const familyId = families.get(tokenId) ?? null
      const isDead =
        expiresAtMs <= nowMs() ||
        (spared !== null && !spared.has(tokenId)) ||
        (familyId !== null && deadFamilies.has(familyId))
      return { ...told, familyId, isDead }
    }
  }
}

function objectPathsOf(details: unknown): string[] {
  const list: { object_path?: unknown }[] = Array.isArray(details) ? details : []
  return list.map((one) => String(one.object_path))
}

async function claimsOf(token: string, key: SigningKey, issuer: string) {
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      issuer,
      algorithms: ['RS256'],
      typ: 'at+jwt',
      currentDate: new Date(0)
    })
    return {
      tokenId: payload.jti ?? '',
      principal: payload.sub ?? '',
      clientId: String(payload.client_id),
      scopes: String(payload.scope ?? '').split(' '),
      isDownScoped: payload.authorization_details !== undefined,
      objectPaths: objectPathsOf(payload.authorization_details),
      expiresAtMs: (payload.exp ?? 0) * 1000
    }
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}
