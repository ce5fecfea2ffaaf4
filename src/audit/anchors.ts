import { type Clock, secondsOf } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import type { TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { latestAuditEvent } from '../store/audit-events.ts'
import type { Db } from '../store/db.ts'
import { type ChainMark, type ChainVerdict, verifyChain } from './chain.ts'
import { chainStart } from './event-hash.ts'

/** How long a tenant's chain is now, and its last hash, signed: for somebody outside to keep. */
export interface AuditHead {
  readonly tenantId: TenantId
  /** 0: nothing has happened yet. */
  readonly seq: number
  readonly hash: string
  readonly at: Date
  /** The same as a compact JWS (RFC 7515); its `kid` is in the JWK set that Weft publishes. */
  readonly jws: string
}

/** Weft's own signature (`vault/signing-keys.ts`). */
export interface HeadSigner {
  sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string>
  verifyLasting(typ: string, token: string): Promise<Readonly<Record<string, unknown>> | null>
}

export interface Anchors {
  /** The head as it is now. */
  head(scope: TenantScope): Promise<AuditHead>
  /**
   * Walks the chain and holds it against heads that were kept.
   * @throws AppError `invalid_request`: one was not signed by this Weft, or is another tenant's
   */
  verify(scope: TenantScope, jwses: readonly string[]): Promise<ChainVerdict>
}

/** Its own, and without `exp` or `aud`: nothing that asks for a token takes it for one. */
const typ = 'weft-audit-head+jwt'

export function createAnchors(deps: {
  readonly db: Db
  readonly clock: Clock
  readonly signer: HeadSigner
  readonly publicUrl: string
}): Anchors {
  const { db, clock, signer, publicUrl } = deps

  async function read({ tenantId }: TenantScope, jws: string, at: number): Promise<ChainMark> {
    const claims = await signer.verifyLasting(typ, jws)
    const refuse = (words: string) => invalidRequest(`/anchors/${at}`, words)
    if (claims === null) throw refuse('is no head that this Weft signed')
    if (claims.sub !== tenantId) throw refuse('is the head of another tenant')
    const { seq, hash } = claims
    if (typeof seq === 'number' && typeof hash === 'string') return { seq, hash }
    throw refuse('does not tell a number and a hash')
  }

  return {
    async head(scope) {
      const { tenantId } = scope
      const latest = await db.inTenant(scope, latestAuditEvent)
      const seq = Number(latest?.seq ?? 0n)
      const hash = latest?.hash ?? chainStart
      const at = clock.now()
      const claims = { iss: publicUrl, sub: tenantId, iat: secondsOf(at), seq, hash }
      return { tenantId, seq, hash, at, jws: await signer.sign(typ, claims) }
    },
    async verify(scope, jwses) {
      const marks = await Promise.all(jwses.map((jws, at) => read(scope, jws, at)))
      return await verifyChain(db, scope, marks)
    }
  }
}

/** Heads in a text of any form: a file of them, an answer of the API, lines of the log. */
export function headsIn(text: string): string[] {
  const found = text.match(/\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g) ?? []
  if (found.length === 0) throw new AppError('invalid_request', { note: 'there is no head in it' })
  return [...new Set(found)]
}
