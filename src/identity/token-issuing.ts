import type { Audit, AuditEvent } from '../audit/audit.ts'
import { type Clock, secondsOf } from '../base/clock.ts'
import { AppError, type ProblemCode } from '../base/errors.ts'
import { asId, type FabricId, newId, type ServiceAccountId, type TenantId } from '../base/ids.ts'
import { makeTenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import { findFabricIdBySlug } from '../store/fabrics.ts'
import { findServiceAccount, findServiceAccountFabric } from '../store/service-accounts.ts'
import { findTenant } from '../store/tenants.ts'
import { ownTokenLifeMaxMs } from '../vault/signing-keys.ts'
import type { AccessTokenFacts, AccessTokens } from './access-tokens.ts'
import { identityScope } from './identity-scope.ts'
import { authorityOf } from './roles.ts'
import { networkRule, sourceRefused } from './source-networks.ts'
import type { TokenThrottle } from './token-throttle.ts'

/** What a token is asked for, by whom and from where; who it is for is another matter. */
export interface TokenAsked {
  /** Slug of the tenant that is asked; null: whichever is the account's. */
  readonly tenantSlug: string | null
  /** The one fabric that the token is to be good for; null: whichever the account may reach. */
  readonly target: TokenTarget | null
  /** The address that the request comes from. */
  readonly source: string
  readonly requestId: string
}

/** A fabric by its id, or by its slug as a fabric host says it. */
export type TokenTarget = { readonly fabricId: FabricId } | { readonly slug: string }

export interface IssuedToken {
  /** In clear, this one time. */
  readonly accessToken: string
  readonly expiresInSeconds: number
}

/** A service account that has shown who it is. */
export interface TokenHolder
  extends Pick<AccessTokenFacts, 'serviceAccountId' | 'credentialId' | 'credentialVersion'> {
  readonly tenantId: TenantId
  /** When what it showed ends; null: it does not by itself. */
  readonly endsAt: Date | null
  /** By which the throttle knows it again. */
  readonly provenBy: string
  /** For the record, beside what every issue has. */
  readonly details: NonNullable<AuditEvent['details']>
  /** In the transaction of the issue. @returns false: what was shown no longer holds */
  use(tx: Tx): Promise<boolean>
}

export interface TokenIssuing {
  /**
   * @returns null: what was shown no longer holds, or the tenant is suspended or not the one that is asked
   * @throws AppError `not_found`: the account may not reach the fabric that is asked for; `rate_limited`
   */
  issue(holder: TokenHolder, asked: TokenAsked): Promise<IssuedToken | null>
  /** Puts on record what a known account was refused; no more often than the throttle lets anybody write. */
  recordRefusal(
    refusal: TokenRefusal,
    asked: Pick<TokenAsked, 'requestId' | 'source'>
  ): Promise<void>
}

export interface TokenRefusal {
  readonly tenantId: TenantId
  readonly serviceAccountId: ServiceAccountId
  readonly code: ProblemCode
  readonly details: NonNullable<AuditEvent['details']>
}

export interface TokenIssuingDeps {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly accessTokens: Pick<AccessTokens, 'issue'>
  readonly throttle: TokenThrottle
}

/** The one way to a token, whatever an account shows for it: tenant, fabric, limit, record, signature. */
export function createTokenIssuing(deps: TokenIssuingDeps): TokenIssuing {
  const { db, audit, clock, accessTokens, throttle } = deps

  /** Whole seconds, so that what is told and what is signed are one. */
  function lifeOf({ endsAt }: TokenHolder) {
    const nowSeconds = secondsOf(clock.now())
    const endSeconds = Math.floor((endsAt?.getTime() ?? Number.POSITIVE_INFINITY) / 1000)
    const expiresInSeconds = Math.min(ownTokenLifeMaxMs / 1000, endSeconds - nowSeconds)
    const at = (seconds: number) => new Date(seconds * 1000)
    return {
      issuedAt: at(nowSeconds),
      expiresAt: at(nowSeconds + expiresInSeconds),
      expiresInSeconds
    }
  }

  return {
    async issue(holder, asked) {
      const { tenantId, serviceAccountId, credentialId, credentialVersion } = holder
      const { issuedAt, expiresAt, expiresInSeconds } = lifeOf(holder)
      const actor = { kind: 'service_account', id: serviceAccountId } as const
      const authority = authorityOf({ kind: 'service_account' })
      const { requestId, source } = asked
      const origin = { source, credentialId }
      const scope = makeTenantScope(tenantId, actor, authority, requestId, origin)
      const tokenId = newId('token', clock)
      const granted = await db.inTenant(scope, async (tx) => {
        const tenant = await findTenant(tx)
        const isAsked = asked.tenantSlug === null || asked.tenantSlug === tenant?.slug
        if (tenant?.status !== 'active' || !isAsked || !(await holder.use(tx))) return null
        const account = await findServiceAccount(tx, serviceAccountId)
        if (account === null || account.isDisabled) return null
        if (!networkRule(account.allowedNetworks)(source)) throw sourceRefused()
        throttle.noteSuccess(serviceAccountId, holder.provenBy)
        const fabricId = await findTarget(tx, serviceAccountId, asked.target)
        await audit.append(tx, {
          action: 'service_token.issue',
          object: ['service_account', serviceAccountId],
          ...(fabricId !== null && { fabricId }),
          details: { ...holder.details, expiresInSeconds, tokenId }
        })
        return { fabricId }
      })
      if (granted === null) return null
      const facts = {
        tenantId,
        serviceAccountId,
        credentialId,
        credentialVersion,
        issuedAt,
        expiresAt,
        tokenId
      }
      return { accessToken: await accessTokens.issue({ ...facts, ...granted }), expiresInSeconds }
    },
    async recordRefusal({ tenantId, serviceAccountId, code, details }, asked) {
      if (!throttle.mayRecordRefusal(serviceAccountId)) return
      const object = ['service_account', serviceAccountId] as const
      await audit.record(identityScope(tenantId, asked.requestId, asked), [
        { action: 'service_token.issue', object, outcome: 'refused', code, details }
      ])
    }
  }
}

/** A fabric that is not there and one that is not the account's are one. */
async function findTarget(
  tx: Tx,
  serviceAccountId: ServiceAccountId,
  target: TokenTarget | null
): Promise<FabricId | null> {
  if (target === null) return null
  const id = 'slug' in target ? await findFabricIdBySlug(tx, target.slug) : target.fabricId
  const allowed = id === null ? null : await findServiceAccountFabric(tx, serviceAccountId, id)
  if (allowed !== null) return asId('fabric', allowed.fabricId)
  throw new AppError('not_found', { detail: 'The service account may reach no such fabric' })
}
