/** What can be made to go wrong at a simulator; null means: as usual. Units are in the names. */
export interface Faults {
  accessTokenTtlSeconds: number
  refreshTokenTtlSeconds: number
  /** Single-use refresh tokens: each refresh gives a new one and kills the old. */
  rotateRefreshTokens: boolean
  /** A used refresh token that comes again kills all tokens of its sign-in. */
  revokeFamilyOnReuse: boolean
  /** The token answer is held back; the grant is spent before, as with a slow way back. */
  tokenDelayMs: number
  /** 2xx: the grant is spent and the answer has this status. Others: answered at once, nothing spent. */
  tokenStatus: number | null
  tokenRetryAfterSeconds: number | null
  /** Members left out of a good token answer. */
  tokenOmit: string[]
  /** `expires_in` comes as text, as some servers send it. */
  tokenExpiresInText: boolean
  /** The body of the token answer, byte for byte. */
  tokenBody: string | null
  /** The grant is spent, then the connection is cut instead of answered. */
  dropTokenAnswer: boolean
  deadTokenStatus: 401 | 403
  /** Setting it to true kills every access token issued so far; later ones live. */
  invalidateAccessTokens: boolean
  idTokenSignature: 'bad' | null
  ipBlocked: boolean
  apiDelayMs: number
  apiStatus: number | null
  apiRetryAfterSeconds: number | null
  /** Cuts the connection of an event stream after so many events. */
  streamCutAfterEvents: number | null
  streamEventDelayMs: number
  /** Serving endpoints sleep; the first request wakes one up, and all are held until so long after it. */
  coldStartMs: number
}

export type FaultName = keyof Faults

export const usual: Readonly<Faults> = {
  accessTokenTtlSeconds: 3600,
  refreshTokenTtlSeconds: 7 * 24 * 3600,
  rotateRefreshTokens: true,
  revokeFamilyOnReuse: true,
  tokenDelayMs: 0,
  tokenStatus: null,
  tokenRetryAfterSeconds: null,
  tokenOmit: [],
  tokenExpiresInText: false,
  tokenBody: null,
  dropTokenAnswer: false,
  deadTokenStatus: 403,
  invalidateAccessTokens: false,
  idTokenSignature: null,
  ipBlocked: false,
  apiDelayMs: 0,
  apiStatus: null,
  apiRetryAfterSeconds: null,
  streamCutAfterEvents: null,
  streamEventDelayMs: 2,
  coldStartMs: 0
}

const isStatus = (value: unknown) => isCount(value) && value >= 100 && value <= 599
const isText = (value: unknown) => typeof value === 'string'
const isFlag = (value: unknown) => typeof value === 'boolean'

const checks: Readonly<Record<FaultName, (value: unknown) => boolean>> = {
  accessTokenTtlSeconds: (value) => isCount(value) && value > 0,
  refreshTokenTtlSeconds: (value) => isCount(value) && value > 0,
  rotateRefreshTokens: isFlag,
  revokeFamilyOnReuse: isFlag,
  tokenDelayMs: isCount,
  tokenStatus: isStatus,
  tokenRetryAfterSeconds: isCount,
  tokenOmit: (value) => Array.isArray(value) && value.every(isText),
  tokenExpiresInText: isFlag,
  tokenBody: isText,
  dropTokenAnswer: isFlag,
  deadTokenStatus: (value) => value === 401 || value === 403,
  invalidateAccessTokens: isFlag,
  idTokenSignature: (value) => value === 'bad',
  ipBlocked: isFlag,
  apiDelayMs: isCount,
  apiStatus: isStatus,
  apiRetryAfterSeconds: isCount,
  streamCutAfterEvents: isCount,
  streamEventDelayMs: isCount,
  coldStartMs: isCount
}

/** The faults in force at one simulator; read `current` anew at each use. */
export interface FaultBoard {
  readonly current: Readonly<Faults>
  /** JSON merge patch (RFC 7396: null restores); returns what is wrong with it, and then changes nothing. */
  merge(patch: unknown): string[]
  reset(): void
  /** Called after each change with the names that were set. */
  onChange(listener: (names: readonly FaultName[]) => void): void
}

export function createFaultBoard(): FaultBoard {
  let current: Faults = { ...usual }
  const listeners: ((names: readonly FaultName[]) => void)[] = []
  const tell = (names: readonly FaultName[]) => {
    for (const listener of listeners) listener(names)
  }
  return {
    get current() {
      return current
    },
    merge(patch) {
      if (!isRecord(patch)) return ['the body must be a JSON object']
      const wrong = Object.entries(patch)
        .map(([name, value]) => complaint(name, value))
        .filter((text) => text !== undefined)
      if (wrong.length > 0) return wrong
      const names = Object.keys(patch).filter(isFaultName)
      const changes = names.map((name) => [name, patch[name] === null ? usual[name] : patch[name]])
      current = { ...current, ...Object.fromEntries(changes) }
      tell(names)
      return []
    },
    reset() {
      current = { ...usual }
      tell(Object.keys(usual).filter(isFaultName))
    },
    onChange(listener) {
      listeners.push(listener)
    }
  }
}

function complaint(name: string, value: unknown): string | undefined {
  if (!isFaultName(name)) return `${name}: no such fault`
  if (value === null || checks[name](value)) return undefined
  return `${name}: this value is not allowed`
}

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(checks, name)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
