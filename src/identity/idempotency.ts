import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { disclose, hashToken } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  answerIdempotencyKey,
  deleteExpiredIdempotencyKeys,
  deleteIdempotencyKey,
  findIdempotencyKey,
  insertIdempotencyKey
} from '../store/idempotency-keys.ts'
import type { Place, Strongbox } from '../vault/strongbox.ts'

export interface IdempotentCall {
  readonly key: string
  readonly operation: string
  /** JSON, but it may hold Secrets and Dates. */
  readonly body: unknown
}

export interface Idempotency {
  /**
   * Runs `work` once per (principal, key) in 24 hours and gives every repetition the first answer, Dates
   * as Dates. A call that failed had no effect and frees the key. One whose process died half-way keeps
   * it: nobody knows whether it had its effect.
   * @throws AppError `idempotency_conflict`: the key was used with another operation or body, or its first call is under way
   */
  once<T>(scope: TenantScope, call: IdempotentCall, work: () => Promise<T>): Promise<T>
}

const keptMs = 24 * 3_600_000

export function createIdempotency(deps: {
  readonly db: Db
  readonly strongbox: Strongbox
  readonly clock: Clock
}): Idempotency {
  const { db, strongbox, clock } = deps

  /** @returns false where another call holds the key */
  async function claim(scope: TenantScope, call: IdempotentCall): Promise<boolean> {
    const principalId = scope.actor.id
    const { key, operation, body } = call
    const now = clock.now()
    // Sealed, because a plain hash of a body with a short secret in it would give the secret away.
    const bodyHash = await strongbox.seal(
      scope,
      placeOf(scope, key, 'body_hash'),
      new Secret(hashBody(body))
    )
    const row = { principalId, key, operation, bodyHash, createdAt: now }
    const inserted = db.inTenant(scope, async (tx) => {
      await deleteExpiredIdempotencyKeys(tx, principalId, now)
      await insertIdempotencyKey(tx, { ...row, expiresAt: plusMs(now, keptMs) })
      return true
    })
    return await inserted.catch((err: unknown) => {
      if (err instanceof UniqueViolation) return false
      throw err
    })
  }

  async function repeat<T>(scope: TenantScope, call: IdempotentCall): Promise<T> {
    const { key, operation, body } = call
    const row = await db.inTenant(scope, (tx) => findIdempotencyKey(tx, scope.actor.id, key))
    if (row === null || row.answerSealed === null || row.operation !== operation) {
      throw new AppError('idempotency_conflict')
    }
    const bodyHash = await strongbox.open(scope, placeOf(scope, key, 'body_hash'), row.bodyHash)
    if (disclose(bodyHash) !== hashBody(body)) throw new AppError('idempotency_conflict')
    const answer = await strongbox.open(scope, placeOf(scope, key, 'answer'), row.answerSealed)
    // It is what `work` of the same operation returned, so it has that type.
    return thaw(JSON.parse(disclose(answer))) as T
  }

  async function keep(scope: TenantScope, key: string, answer: unknown): Promise<void> {
    const text = new Secret(JSON.stringify(freeze(answer ?? null)))
    const sealed = await strongbox.seal(scope, placeOf(scope, key, 'answer'), text)
    await db.inTenant(scope, (tx) => answerIdempotencyKey(tx, scope.actor.id, key, sealed))
  }

  return {
    async once(scope, call, work) {
      if (!(await claim(scope, call))) return await repeat(scope, call)
      const answer = await work().catch(async (err: unknown) => {
        // Where even this fails, the key stays taken: the safe side.
        const freed = db.inTenant(scope, (tx) => deleteIdempotencyKey(tx, scope.actor.id, call.key))
        await freed.catch(() => undefined)
        throw err
      })
      // The effect stands, so the caller gets their answer; a repetition will meet a taken key.
      await keep(scope, call.key, answer).catch(() => undefined)
      return answer
    }
  }
}

function placeOf(scope: TenantScope, key: string, column: string): Place {
  return ['idempotency_keys', `${scope.actor.id}/${key}`, column]
}

function hashBody(body: unknown): string {
  const canonical = canonicalize(freeze(body ?? null)) ?? ''
  return createHash('sha256').update(canonical).digest('hex')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** To JSON, with Dates marked, Secrets as hashes, and objects in one more layer so that no mark is faked. */
function freeze(value: unknown): unknown {
  if (value instanceof Date) return { date: value.toISOString() }
  if (value instanceof Secret) return { secret: hashToken(value) }
  if (Array.isArray(value)) return value.map(freeze)
  if (!isRecord(value)) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return { members: Object.fromEntries(members.map(([name, member]) => [name, freeze(member)])) }
}

function thaw(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(thaw)
  if (!isRecord(value)) return value
  if (typeof value.date === 'string') return new Date(value.date)
  const members = isRecord(value.members) ? value.members : {}
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, thaw(member)]))
}
