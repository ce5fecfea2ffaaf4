import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, idPattern } from '../base/ids.ts'
import { hashToken } from '../crypto/bearer.ts'
import {
  findFederatedIdentity,
  lookUpFederatedIdentities,
  touchFederatedIdentities
} from '../store/federated-identities.ts'
import { useAssertion } from '../store/used-assertions.ts'
import { type Assertion, type AssertionType, parseAssertion } from './assertion.ts'
import { type FederatedIdentityView, viewOf } from './federated-identities.ts'
import {
  type Examination,
  examineClaims,
  examineWhole,
  isBelieved,
  useHashOf
} from './federation.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type {
  IssuedToken,
  TokenAsked,
  TokenHolder,
  TokenIssuing,
  TokenIssuingDeps
} from './token-issuing.ts'

/** What a workload presents in place of a key (RFC 8693 §2.1). */
export interface ExchangeRequest extends TokenAsked {
  readonly serviceAccountId: string
  /** The JWT of its own platform, in clear. */
  readonly assertion: string
  readonly assertionType: AssertionType
}

interface Deps extends Pick<TokenIssuingDeps, 'db' | 'clock' | 'throttle'> {
  readonly issuing: TokenIssuing
  readonly issuerKeys: IssuerKeys
}

const accountPattern = new RegExp(idPattern('serviceAccount'))
const subjectLengthMax = 255
/** Longer than the leeway by which an assertion may be over. */
const useKeptMs = 60_000

/** The words for every assertion that is not believed: why is for the account's admins, in the record and the tester. */
function unbelieved(): AppError {
  return new AppError('invalid_request', {
    detail: 'The subject token fits no federated identity of this service account'
  })
}

/**
 * @throws AppError `invalid_request`: not believed; `not_found`: no such fabric for it; `rate_limited`; and what
 *   keeps Weft from the issuer's keys
 */
export function createTokenExchange(deps: Deps) {
  const { db, clock, throttle, issuing, issuerKeys } = deps

  async function examine(
    identities: readonly FederatedIdentityView[],
    assertion: Assertion,
    type: AssertionType
  ): Promise<Examination & { readonly fault: AppError | null }> {
    const now = clock.now()
    const all = identities.map((identity) => examineClaims(identity, assertion, type, now))
    let best: Awaited<ReturnType<typeof examineWhole>> | null = null
    for (const examination of all.filter(isBelieved)) {
      best = await examineWhole(examination, assertion, issuerKeys)
      if (isBelieved(best)) return best
    }
    if (best !== null) return best
    const [nearest] = all.toSorted((a, b) => failedOf(a).length - failedOf(b).length)
    if (nearest === undefined) throw unbelieved()
    return { ...nearest, fault: null }
  }

  return async (request: ExchangeRequest): Promise<IssuedToken> => {
    const { serviceAccountId, assertionType, source } = request
    const assertion = parseAssertion(request.assertion)
    const provenBy = hashToken(
      JSON.stringify([serviceAccountId, assertion?.claims.iss, assertion?.claims.sub])
    )
    throttle.admit(source, provenBy)
    const isAccount = accountPattern.test(serviceAccountId)
    const rows =
      assertion !== null && isAccount ? await lookUpFederatedIdentities(db, serviceAccountId) : []
    const [first] = rows
    if (assertion === null || first === undefined) {
      throttle.noteFailure(source)
      throw unbelieved()
    }
    const account = {
      tenantId: asId('tenant', first.tenantId),
      serviceAccountId: asId('serviceAccount', first.serviceAccountId)
    }
    const examination = await examine(rows.map(viewOf), assertion, assertionType)
    const { identity, fault } = examination
    const holder: TokenHolder = {
      ...account,
      credentialId: identity.id,
      credentialVersion: identity.version,
      endsAt: null,
      provenBy,
      details: {
        federatedIdentityId: identity.id,
        issuer: identity.issuer,
        subject: String(assertion.claims.sub ?? '').slice(0, subjectLengthMax)
      },
      use: async (tx) => {
        const row = await findFederatedIdentity(tx, serviceAccountId, identity.id)
        if (row?.version !== identity.version) return false
        const now = clock.now()
        const end = plusMs(new Date(Number(assertion.claims.exp) * 1000), useKeptMs)
        if (row.isOneUse && !(await useAssertion(tx, useHashOf(assertion), end))) return false
        await touchFederatedIdentities(tx, [row.id], now, now)
        return true
      }
    }
    const isRight = isBelieved(examination)
    const issued = isRight ? await issuing.issue(holder, request) : null
    if (issued !== null) return issued
    const refused = fault ?? unbelieved()
    if (fault === null) throttle.noteFailure(source)
    await issuing.recordRefusal(
      {
        ...account,
        code: refused.code,
        details: {
          federatedIdentityId: identity.id,
          failed: isRight ? ['use'] : failedOf(examination)
        }
      },
      request
    )
    throw refused
  }
}

/** Names of what does not hold: nothing of what a stranger wrote goes on record. */
function failedOf({ checks }: Examination): string[] {
  return checks
    .filter(({ matches }) => !matches)
    .map(({ check, claim }) => (check === 'claim' ? `claim ${claim}` : check))
}
