import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { FederatedIdentityId, ServiceAccountId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { listFederatedIdentities } from '../store/federated-identities.ts'
import { findServiceAccount } from '../store/service-accounts.ts'
import { isAssertionUsed } from '../store/used-assertions.ts'
import { type Assertion, type AssertionType, parseAssertion } from './assertion.ts'
import { type AssertionCheck, checkOf } from './assertion-checks.ts'
import { type FederatedIdentityView, viewOf } from './federated-identities.ts'
import { examineClaims, examineWhole, useHashOf } from './federation.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { requireAuthority } from './roles.ts'

/** Why a JWT would get a token, or would not. */
export interface FederationTest {
  readonly accepted: boolean
  /** In words, what came out or what to mend first. */
  readonly detail: string
  /** Of the header; null: it is no signed JWT. */
  readonly header: Readonly<Record<'alg' | 'kid' | 'typ', string | null>> | null
  readonly identities: readonly {
    readonly id: FederatedIdentityId
    readonly name: string
    readonly matches: boolean
    readonly checks: readonly AssertionCheck[]
  }[]
}

/** Says what the token endpoint would, and why. The JWT is neither kept nor spent. */
export function createFederationTester(deps: {
  readonly db: Db
  readonly clock: Clock
  readonly issuerKeys: IssuerKeys
}) {
  const { db, clock, issuerKeys } = deps

  async function checksOf(
    scope: TenantScope,
    identity: FederatedIdentityView,
    assertion: Assertion,
    type: AssertionType
  ): Promise<readonly AssertionCheck[]> {
    const shown = examineClaims(identity, assertion, type, clock.now())
    // Another issuer's keys would say nothing of it.
    if (assertion.claims.iss !== identity.issuer) return shown.checks
    const { checks } = await examineWhole(shown, assertion, issuerKeys)
    const hash = useHashOf(assertion)
    const isUsed = identity.oneUse && (await db.inTenant(scope, (tx) => isAssertionUsed(tx, hash)))
    return isUsed ? checks.map(asUsed) : checks
  }

  return async (
    scope: TenantScope,
    accountId: ServiceAccountId,
    { jwt, type }: { readonly jwt: string; readonly type: AssertionType }
  ): Promise<FederationTest> => {
    requireAuthority(scope, 'federated_identity.test')
    const rows = await db.inTenant(scope, async (tx) => {
      if ((await findServiceAccount(tx, accountId)) === null) throw new AppError('not_found')
      return await listFederatedIdentities(tx, accountId)
    })
    const assertion = parseAssertion(jwt.trim())
    if (assertion === null) {
      const detail = 'This is no signed JWT: three parts of base64url with dots between them'
      return { accepted: false, detail, header: null, identities: [] }
    }
    const { alg, kid, typ } = assertion
    const identities = await Promise.all(
      rows.map(viewOf).map(async (identity) => {
        const checks = await checksOf(scope, identity, assertion, type)
        const matches = checks.every((check) => check.matches)
        return { id: identity.id, name: identity.name, matches, checks }
      })
    )
    const accepted = identities.some(({ matches }) => matches)
    return { accepted, detail: inWords(identities), header: { alg, kid, typ }, identities }
  }
}

function asUsed(check: AssertionCheck): AssertionCheck {
  if (check.check !== 'one_use' || !check.matches) return check
  return checkOf({ ...check, matches: false, hint: 'It was used already: get a fresh token' })
}

function inWords(identities: FederationTest['identities']): string {
  const failed = (checks: readonly AssertionCheck[]) => checks.filter(({ matches }) => !matches)
  const accepted = identities.find(({ matches }) => matches)
  if (accepted !== undefined) return `It gets a token, by "${accepted.name}"`
  const [nearest] = identities.toSorted((a, b) => failed(a.checks).length - failed(b.checks).length)
  if (nearest === undefined) return 'The service account has no federated identity yet'
  const [first] = failed(nearest.checks)
  const names = failed(nearest.checks).map(({ check, claim }) => claim ?? check)
  return `It gets no token. Nearest is "${nearest.name}", but for: ${names.join(', ')}. ${first?.detail ?? ''}`
}
