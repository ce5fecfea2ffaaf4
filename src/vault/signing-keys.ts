import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import { kept } from '../base/kept.ts'
import { newDataKey, openEnvelope, sealEnvelope } from '../crypto/envelope.ts'
import type { KeyWrap } from '../crypto/key-wrap.ts'
import {
  type Claims,
  claimedSigningKid,
  newSigningKey,
  openSigningKey,
  type PublicJwk,
  type SignToken,
  verifyOwnSignature,
  verifyOwnToken
} from '../crypto/signing-key.ts'
import type { Db } from '../store/db.ts'
import {
  changeSigningKeys,
  listRetiredSigningKeys,
  listSigningKeys,
  type SigningKeyRow
} from '../store/signing-keys.ts'
import { signingKeyContext } from './wrapped-keys.ts'

/** What this deployment signs in its own name, whoever it is for. */
export interface SigningKeys {
  /**
   * Signs with the key whose turn it is; the first call of a new deployment makes the first key.
   * @param typ what the token is, such as `at+jwt`
   * @param claims with `exp` at most `ownTokenLifeMaxMs` ahead, or without, where `verifyLasting` is to read them
   */
  sign(typ: string, claims: Claims): Promise<string>
  /** The claims of a token of ours of this type and issuer that is not over; null for anything else. */
  verify(token: string, expected: { typ: string; issuer: string }): Promise<Claims | null>
  /** Whether the key that a token names is one of those that this replica believes now; says nothing of its signature. */
  believes(token: string): boolean
  /**
   * The claims of what was signed to last: also by a key whose turn is long over, unless it was dropped. Null for
   * anything else.
   */
  verifyLasting(typ: string, token: string): Promise<Claims | null>
  /** The JWK set to publish (RFC 7517 §5): keys whose turn comes, is, or was not long ago. */
  published(): Promise<{ readonly keys: readonly PublicJwk[] }>
  /** From when on a key may sign that is not among the published ones yet. */
  publishedUntil(): Promise<Date>
  /**
   * Of a key that may be in wrong hands: nothing that it signed is believed from now on, and another signs at once.
   * @returns false: there is no such key
   */
  drop(kid: string): Promise<boolean>
  /** What is due by the clock: stages the next key, drops keys whose last token is over, reads all anew. */
  rotate(): Promise<void>
}

/** Nothing that is signed lives longer; a key is published until whatever it signed is over. */
export const ownTokenLifeMaxMs = 60 * 60_000
const signsForMs = 30 * 24 * 60 * 60_000
/**
 * A verifier that got the set within this time knows every key that signs: the next one is published soon after
 * the present one's turn began, since some verifiers get the set by hand.
 */
const stagedForMs = 29 * 24 * 60 * 60_000
/** For clocks that differ, and replicas that have not looked yet. */
const marginMs = 10 * 60_000
/** Between two looks for a key that a token names and this replica does not know. */
const unknownKidEveryMs = 5_000

export function createSigningKeys(deps: {
  readonly db: Db
  readonly keyWrap: KeyWrap
  readonly clock: Clock
}): SigningKeys {
  const { db, keyWrap, clock } = deps
  const signers = new Map<string, () => Promise<SignToken>>()
  let known: readonly SigningKeyRow[] = []
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | null = null

  function learn(rows: readonly SigningKeyRow[]): void {
    known = rows
    lookedAtMs = clock.monotonicMs()
    const kids = new Set(rows.map(({ kid }) => kid))
    for (const kid of signers.keys()) if (!kids.has(kid)) signers.delete(kid)
  }

  /** Callers at the same moment share one look. */
  function look(): Promise<void> {
    looking ??= listSigningKeys(db)
      .then(learn)
      .finally(() => {
        looking = null
      })
    return looking
  }

  async function rotate(): Promise<void> {
    await look()
    const isDue = dueOf(known, clock.now()) !== null
    if (!isDue && retiredOf(known, clock.now()).length === 0) return
    const fresh = isDue ? await makeKey() : null
    const rows = await changeSigningKeys(db, (current) => {
      const now = clock.now()
      const signsFrom = dueOf(current, now)
      const added = fresh === null || signsFrom === null ? null : { ...fresh, signsFrom }
      return { added, retired: retiredOf(current, now), dropped: [], at: now }
    })
    learn(rows)
  }

  async function makeKey(): Promise<Omit<SigningKeyRow, 'signsFrom'>> {
    const kid = newId('signingKey', clock)
    const { publicJwk, privateKey } = await newSigningKey(kid)
    const dataKey = newDataKey(kid)
    const wrapped = await keyWrap.wrap(dataKey.key, signingKeyContext(kid))
    return {
      kid,
      publicJwk: JSON.stringify(publicJwk),
      privateSealed: await sealEnvelope(dataKey, placeOf(kid), privateKey),
      wrapped,
      kekKid: keyWrap.kidOf(wrapped),
      createdAt: clock.now()
    }
  }

  async function open({ kid, wrapped, privateSealed }: SigningKeyRow): Promise<SignToken> {
    const dataKey = { id: kid, key: await keyWrap.unwrap(wrapped, signingKeyContext(kid)) }
    return await openSigningKey(kid, await openEnvelope(dataKey, placeOf(kid), privateSealed))
  }

  function signerOf(row: SigningKeyRow): Promise<SignToken> {
    const signer = signers.get(row.kid) ?? kept(() => open(row))
    signers.set(row.kid, signer)
    return signer()
  }

  function believes(token: string): boolean {
    const kid = claimedSigningKid(token)
    return known.some((row) => row.kid === kid)
  }

  return {
    believes,
    async sign(typ, claims) {
      if (known.length === 0) await rotate()
      const now = clock.now()
      const row = known.find(({ signsFrom }) => signsFrom <= now) ?? known.at(-1)
      if (row === undefined) throw new AppError('key_unavailable', { note: 'no signing key' })
      return await (await signerOf(row))(typ, claims)
    },
    async verify(token, expected) {
      const isLookDue = clock.monotonicMs() - lookedAtMs >= unknownKidEveryMs
      if (!believes(token) && (isLookDue || looking !== null)) await look()
      if (!believes(token)) return null
      return await verifyOwnToken(publicOf(known), token, { ...expected, now: clock.now() })
    },
    async verifyLasting(typ, token) {
      if (known.length === 0) await look()
      const keys = publicOf([...known, ...(await listRetiredSigningKeys(db))])
      return await verifyOwnSignature(keys, token, typ)
    },
    async drop(kid) {
      const fresh = await makeKey()
      let isThere = false
      const rows = await changeSigningKeys(db, (current) => {
        const now = clock.now()
        isThere = current.some((row) => row.kid === kid)
        const isSignerLeft = current.some((row) => row.kid !== kid && row.signsFrom <= now)
        const added = isThere && !isSignerLeft ? { ...fresh, signsFrom: now } : null
        return { added, retired: [], dropped: [kid], at: now }
      })
      learn(rows)
      return isThere
    },
    async published() {
      if (known.length === 0) await rotate()
      return { keys: publicOf(known) }
    },
    async publishedUntil() {
      if (known.length === 0) await rotate()
      const [newest] = known
      if (newest === undefined) throw new AppError('key_unavailable', { note: 'no signing key' })
      return plusMs(newest.signsFrom, signsForMs)
    },
    rotate
  }
}

function publicOf(rows: readonly Pick<SigningKeyRow, 'publicJwk'>[]): PublicJwk[] {
  return rows.map(({ publicJwk }) => JSON.parse(publicJwk))
}

/** When the next key's turn is to begin, where it is time to make it; null: not yet. @param rows last turn first */
function dueOf([newest]: readonly SigningKeyRow[], now: Date): Date | null {
  if (newest === undefined) return now
  const earliest = plusMs(now, stagedForMs)
  return plusMs(newest.signsFrom, signsForMs) > earliest ? null : earliest
}

/** Keys whose turn ended so long ago that whatever they signed is over. */
function retiredOf(rows: readonly SigningKeyRow[], now: Date): string[] {
  return rows
    .filter((_, at) => {
      const successor = rows[at - 1]
      const end = successor && plusMs(successor.signsFrom, ownTokenLifeMaxMs + marginMs)
      return end !== undefined && end < now
    })
    .map(({ kid }) => kid)
}

function placeOf(kid: string) {
  return { tenantId: 'platform', table: 'signing_keys', rowId: kid, column: 'private_sealed' }
}
