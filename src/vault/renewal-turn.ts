/**
 * Tokens in use are renewed in the background from this long before their end, or from half their life if that
 * is less, to a sixth of it: each at its grant's turn, so that what began together does not go on together.
 */
const aheadMaxMs = 30 * 60_000
/** Longer than a token must live to be handed out. */
const aheadMinMs = 90_000

export interface TokenTimes {
  readonly accessIssuedAt: Date | null
  readonly accessExpiresAt: Date | null
}

/** How long before its end a token is renewed, milliseconds. */
export function aheadOfMs(times: TokenTimes & { readonly turn: number }): number {
  const firstMs = Math.min(lifeMsOf(times) / 2, aheadMaxMs)
  const lastMs = Math.max(firstMs / 6, Math.min(firstMs, aheadMinMs))
  return firstMs - (firstMs - lastMs) * times.turn
}

/** A grant's turn, from 0 up to 1: the same on every replica and at any time, and even over many grants (FNV-1a). */
export function turnOf(grantId: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < grantId.length; at += 1) {
    hash = Math.imul(hash ^ grantId.charCodeAt(at), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}

/** Milliseconds; 0 where it is not known. */
export function lifeMsOf({ accessIssuedAt, accessExpiresAt }: TokenTimes): number {
  if (accessIssuedAt === null || accessExpiresAt === null) return 0
  return accessExpiresAt.getTime() - accessIssuedAt.getTime()
}
