import type { Audit } from '../audit/audit.ts'
import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { makeTenantScope, type TenantScope } from '../base/tenant-scope.ts'
import { bearerChecksumHolds, hashToken } from '../crypto/bearer.ts'
import { looksLikeJwt } from '../crypto/signing-key.ts'
import type { Db } from '../store/db.ts'
import type { TenantVersions } from '../store/tenant-versions.ts'
import { createVersionedMemory, type Remembered } from '../store/versioned-memory.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { Caller, Credentials } from './caller.ts'
import type { Credential } from './credential.ts'
import { createCredentialReading, type Presented } from './credentials.ts'
import type { LastUses } from './last-uses.ts'
import { sourceRefused } from './source-networks.ts'
import { createTokenThrottle } from './token-throttle.ts'

interface Deps {
  readonly db: Db
  readonly audit: Pick<Audit, 'record'>
  readonly clock: Clock
  readonly versions: TenantVersions
  readonly lastUses: LastUses
  readonly accessTokens: Pick<AccessTokens, 'read' | 'isBelieved'>
}

const knownMax = 50_000
const sessionShape = /^[A-Za-z0-9_-]{43}$/
/** A client that goes on with a dead bearer costs a query every so often, and never a place among the good. */
const refusedMs = 5_000
const refusedMax = 1_000

/**
 * Who presents these credentials, without a query where that is known: a credential, the role, the teams and
 * the tenant behind it hold until the tenant changes, and their ends are held against the clock at each call.
 * A signature too is checked once for each of the tenant's versions, and holds no longer than its key. What is wrong with a credential is
 * nobody's to know.
 */
export function createAuthentication(deps: Deps) {
  const { db, audit, clock, versions, lastUses, accessTokens } = deps
  const reading = createCredentialReading(db, accessTokens)
  const known = createVersionedMemory<Credential>(versions, knownMax)
  const refusedUntilMs = new Map<string, number>()
  const throttle = createTokenThrottle(clock)

  /** Guessing ends after so many a minute from one source; who is known, or was right here, is not held up. */
  async function read(presented: Presented): Promise<Remembered<Credential> | null> {
    const { via, hash, source } = presented
    if (via === 'session') return await reading[via](presented)
    throttle.admit(source, hash)
    const found = await reading[via](presented)
    if (found === null) throttle.noteFailure(source)
    else throttle.noteProven(hash)
    return found
  }

  function find(presented: Presented): Promise<Credential | null> {
    return known.get(keyOf(presented), () => read(presented))
  }

  /** A key that was dropped takes along what was remembered of its tokens, also where that was read too late. */
  function isGood(found: Credential, { via, token }: Presented, now: Date): boolean {
    if (via === 'service_token' && !accessTokens.isBelieved(token)) return false
    return !isOver(found, now)
  }

  async function credentialOf(presented: Presented): Promise<Credential | null> {
    const found = await find(presented)
    if (found === null || isGood(found, presented, clock.now())) return found
    // Idle by what was read here; a use on another replica may have moved that on.
    known.drop(keyOf(presented))
    const anew = found.via === 'session' ? await find(presented) : null
    return anew === null || isOver(anew, clock.now()) ? null : anew
  }

  async function lookUp(presented: Presented): Promise<Credential | null> {
    const { via, hash, token } = presented
    if (via === 'session') return await credentialOf(presented)
    if (via !== 'service_token' && !bearerChecksumHolds(token)) return null
    const nowMs = clock.monotonicMs()
    if ((refusedUntilMs.get(hash) ?? 0) > nowMs) return null
    const credential = await credentialOf(presented)
    if (credential !== null) return credential
    setNewest(refusedUntilMs, hash, nowMs + refusedMs, refusedMax)
    return null
  }

  /** Who is remembered and still good: what is known needs neither its shape looked at nor a wait. */
  function recall(presented: Presented, now: Date): Credential | null {
    const found = known.recall(keyOf(presented))
    return found !== null && isGood(found, presented, now) ? found : null
  }

  async function refuseSource(scope: TenantScope, { keyId }: Credential, source: string) {
    const { id } = scope.actor
    const error = sourceRefused()
    if (!throttle.mayRecordRefusal(id)) throw error
    await audit.record(scope, [
      {
        action: 'service_account.use',
        object: ['service_account', id],
        outcome: 'refused',
        code: error.code,
        details: { source, keyId }
      }
    ])
    throw error
  }

  return async (credentials: Credentials): Promise<Caller> => {
    const presented = presentedBy(credentials)
    const now = clock.now()
    const credential = presented && (recall(presented, now) ?? (await lookUp(presented)))
    if (credential === null) throw new AppError('unauthenticated')
    const { via, tenantId, actor, authority, sessionId, keyId, lastUse, admits } = credential
    const { source, requestId } = credentials
    const scimTokenId = actor.kind === 'scim_token' ? actor.id : null
    const credentialId = keyId ?? sessionId ?? scimTokenId
    const scope = makeTenantScope(tenantId, actor, authority, requestId, { source, credentialId })
    if (admits?.(source) === false) await refuseSource(scope, credential, source)
    lastUses.note(lastUse, now, source)
    return { scope, via, sessionId, keyId }
  }
}

const bearers: Readonly<Record<string, Caller['via']>> = {
  wftp_: 'personal_token',
  wfts_: 'service_key',
  wftc_: 'scim_token'
}

/** Null: nothing that could be anybody's. */
function presentedBy({ bearer, sessionToken, source }: Credentials): Presented | null {
  const token = bearer ?? sessionToken
  if (token === null) return null
  const via = bearer === null ? 'session' : viaOf(bearer)
  const isShaped = via !== null && (via !== 'session' || sessionShape.test(token))
  return isShaped ? { via, hash: hashToken(token), token, source } : null
}

function viaOf(bearer: string): Caller['via'] | null {
  const via = bearers[bearer.slice(0, 5)]
  return via ?? (looksLikeJwt(bearer) ? 'service_token' : null)
}

function keyOf({ via, hash }: Presented): string {
  return `${via}/${hash}`
}

function isOver({ ends }: Credential, now: Date): boolean {
  return ends.some((end) => end <= now)
}
