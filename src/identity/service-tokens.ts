import { AppError } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import { bearerChecksumHolds, hashToken } from '../crypto/bearer.ts'
import {
  findServiceKeyByHash,
  type ServiceKeyRow,
  touchServiceKeys
} from '../store/service-keys.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { isKeyGood } from './service-keys.ts'
import { createTokenExchange, type ExchangeRequest } from './token-exchange.ts'
import {
  createTokenIssuing,
  type IssuedToken,
  type TokenAsked,
  type TokenHolder,
  type TokenIssuingDeps
} from './token-issuing.ts'
import { createTokenThrottle } from './token-throttle.ts'

/** What a service account presents for a token (RFC 6749 §4.4). */
export interface TokenRequest extends TokenAsked {
  readonly serviceAccountId: string
  readonly serviceKey: string
}

export interface ServiceTokens {
  /**
   * @throws AppError `unauthenticated`: not an account and a key of its own that both hold at this moment;
   *   `not_found`: it may not reach the fabric that is asked for; `rate_limited`
   */
  issue(request: TokenRequest): Promise<IssuedToken>
  /**
   * @throws AppError `invalid_request`: an assertion that no federated identity of the account lets in; `not_found`
   *   and `rate_limited` as above; and what keeps Weft from the issuer's keys
   */
  exchange(request: ExchangeRequest): Promise<IssuedToken>
}

/** Tokens end with their time, with their key's time, and within seconds of their key, identity or account. */
export function createServiceTokens(
  deps: Omit<TokenIssuingDeps, 'throttle'> & { readonly issuerKeys: IssuerKeys }
): ServiceTokens {
  const { db, clock } = deps
  const throttle = createTokenThrottle(clock)
  const issuing = createTokenIssuing({ ...deps, throttle })

  async function findKey({ serviceKey }: TokenRequest): Promise<ServiceKeyRow | null> {
    if (!serviceKey.startsWith('wfts_') || !bearerChecksumHolds(serviceKey)) return null
    return await findServiceKeyByHash(db, hashToken(serviceKey))
  }

  function holderOf(key: ServiceKeyRow, { source }: TokenRequest): TokenHolder {
    return {
      tenantId: asId('tenant', key.tenantId),
      serviceAccountId: asId('serviceAccount', key.serviceAccountId),
      credentialId: asId('key', key.id),
      credentialVersion: null,
      endsAt: key.expiresAt,
      provenBy: key.hash,
      details: { keyId: key.id },
      async use(tx) {
        const now = clock.now()
        await touchServiceKeys(tx, [{ id: key.id, from: source }], now, now)
        return true
      }
    }
  }

  return {
    exchange: createTokenExchange({ ...deps, throttle, issuing }),
    async issue(request) {
      throttle.admit(request.source, hashToken(request.serviceKey))
      const key = await findKey(request)
      const isRight =
        key?.serviceAccountId === request.serviceAccountId && isKeyGood(key, clock.now())
      const issued = isRight ? await issuing.issue(holderOf(key, request), request) : null
      if (issued !== null) return issued
      throttle.noteFailure(request.source)
      const refused = new AppError('unauthenticated')
      if (key !== null) {
        const { tenantId, serviceAccountId, details } = holderOf(key, request)
        const refusal = { tenantId, serviceAccountId, code: refused.code, details }
        await issuing.recordRefusal(refusal, request)
      }
      throw refused
    }
  }
}
