import type { Clock } from '../base/clock.ts'
import { invalidRequest } from '../base/errors.ts'
import { asId, type IdOf, newId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { hintOf, looksLikeMask } from '../crypto/bearer.ts'
import type { ClientSecretRow } from '../store/client-secrets.ts'
import type { Place, Strongbox } from './strongbox.ts'

export type ClientSecretId = IdOf<'clientSecret'>

/** A secret as it is given. */
export interface ClientSecretInput {
  readonly clientSecret: Secret
  /** When the provider takes it no more; not given: not known. */
  readonly expiresAt?: Date | undefined
}

/** Ready to be stored, see `store/client-secrets.ts`. */
export type SealedClientSecret = Pick<
  ClientSecretRow,
  'id' | 'sealed' | 'hint' | 'setAt' | 'expiresAt'
>

/** Everything of a stored secret but the secret. */
export interface ClientSecretView {
  readonly id: ClientSecretId
  readonly state: 'current' | 'previous'
  readonly hint: string
  readonly setAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  readonly isSafeToDelete: boolean
}

/**
 * Seals a secret under a fresh id. Never inside a transaction, see `Strongbox.seal`.
 * @param pointer of the secret in the request; its `expiresAt` is told beside it
 * @throws AppError `invalid_request`: a mask in the secret's place, or one that has expired
 */
export async function sealClientSecret(
  { strongbox, clock }: { strongbox: Strongbox; clock: Clock },
  scope: TenantScope,
  { clientSecret, expiresAt }: ClientSecretInput,
  pointer = '/clientSecret'
): Promise<SealedClientSecret> {
  if (looksLikeMask(clientSecret)) throw invalidRequest(pointer, 'the mask is not a secret')
  const setAt = clock.now()
  if (expiresAt !== undefined && expiresAt <= setAt) {
    throw invalidRequest(pointer.replace(/clientSecret$/, 'expiresAt'), 'must be in the future')
  }
  const id = newId('clientSecret', clock)
  const sealed = await strongbox.seal(
    scope,
    clientSecretPlace({ id, fabricId: null }),
    clientSecret
  )
  return { id, sealed, hint: hintOf(clientSecret), setAt, expiresAt: expiresAt ?? null }
}

/** Where a secret is sealed; a service principal's from before it could have several lies under its fabric. */
export function clientSecretPlace({
  id,
  fabricId
}: Pick<ClientSecretRow, 'id' | 'fabricId'>): Place {
  const isFirst = fabricId !== null && id.split('_')[1] === fabricId.split('_')[1]
  return isFirst
    ? ['service_principals', fabricId, 'secret_sealed']
    : ['client_secrets', id, 'sealed']
}

/** Time enough to make a new secret and to bring it here. */
const warningMs = 30 * 24 * 60 * 60_000

/**
 * The end of the newest secret from 30 days before it, for a warning: `expires on 2027-11-22`, `expired on …`.
 * @param rows of one client, as they are tried
 * @returns null: it is not near, or not known
 */
export function tellSecretEnd([newest]: readonly ClientSecretRow[], now: Date): string | null {
  const expiresAt = newest?.expiresAt ?? null
  if (expiresAt === null || expiresAt.getTime() - now.getTime() >= warningMs) return null
  return `${expiresAt > now ? 'expires' : 'expired'} on ${expiresAt.toISOString().slice(0, 10)}`
}

/**
 * Whether the newest secret was tried and refused while an older one was taken (see `askInTurn`): since it was set,
 * the provider took an older one, and has not taken it after that.
 * @param rows of one client, as they are tried
 */
export function isNewestRefused([newest, ...older]: readonly ClientSecretRow[]): boolean {
  if (newest === undefined) return false
  const { setAt, lastUsedAt } = newest
  const since = lastUsedAt !== null && lastUsedAt > setAt ? lastUsedAt : setAt
  return older.some((one) => one.lastUsedAt !== null && one.lastUsedAt > since)
}

/** The secrets of one client as its admins see them, the current one first. */
export function viewClientSecrets(rows: readonly ClientSecretRow[]): ClientSecretView[] {
  const provenAt = rows.find(({ state }) => state === 'current')?.lastUsedAt ?? null
  return rows.map(({ id, state, hint, setAt, expiresAt, lastUsedAt }) => ({
    id: asId('clientSecret', id),
    state: state === 'current' ? 'current' : 'previous',
    hint,
    setAt,
    expiresAt,
    lastUsedAt,
    // The provider took the current one, and this one was not needed after that.
    isSafeToDelete:
      state !== 'current' && provenAt !== null && (lastUsedAt === null || lastUsedAt < provenAt)
  }))
}
