import { timingSafeEqual } from 'node:crypto'
import type { AuditEvent } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { asId, type LoginProviderId, newId } from '../base/ids.ts'
import type { Actor, TenantScope } from '../base/tenant-scope.ts'
import { disclose, hashToken } from '../crypto/bearer.ts'
import type { Tx } from '../store/db.ts'
import { listGroupMappings } from '../store/group-mappings.ts'
import { findLoginAttempt, type LoginAttemptRow, useLoginAttempt } from '../store/login-attempts.ts'
import { findLoginProvider, noteLoginProvider } from '../store/login-providers.ts'
import { findMembership, noteMemberLogin } from '../store/memberships.ts'
import { insertSession } from '../store/sessions.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import { findTenant } from '../store/tenants.ts'
import { upsertUser } from '../store/users.ts'
import { findInvitationFor } from './acceptance.ts'
import { admit, isAdmissible, isBootstrapAdmin } from './admission.ts'
import { applyGroups, mappingsIn } from './group-roles.ts'
import { identityScope } from './identity-scope.ts'
import {
  clientSecretPlace,
  codeVerifierPlace,
  idTokenPlace,
  type LoginDeps,
  loginTarget,
  opaqueToken
} from './login-attempt.ts'
import type { Redeemed } from './login-client.ts'
import { identityHash, type Person } from './person.ts'
import { safeReturnTo } from './return-to.ts'
import { findAnnounced } from './scim/linking.ts'
import {
  endPresentedSession,
  newSession,
  providerSessionHash,
  providerSubjectHash
} from './session-life.ts'

/** A longer one would not fit into the address of a logout page. */
const idTokenKeptMax = 2_000

export interface LoginCallback {
  readonly loginProviderId: LoginProviderId
  /** The query string of the callback as it came, without `?`. */
  readonly query: string
  /** The one that the browser came back to; default: the first. */
  readonly publicUrl?: string
  readonly browserToken: string | null
  /** The invitation whose link this browser opened; null: none. */
  readonly invitationToken: string | null
  /** A session that the browser holds already; it ends. */
  readonly sessionToken: string | null
  readonly userAgent: string
  readonly requestId: string
  /** The address that it comes from. */
  readonly source?: string | null
}

export interface LoggedIn {
  readonly sessionToken: string
  readonly expiresAt: Date
  readonly returnTo: string
}

export function createLoginCallback(deps: LoginDeps): (input: LoginCallback) => Promise<LoggedIn> {
  const { db, audit, strongbox, clock, client, publicUrl, bootstrap } = deps

  async function finish(input: LoginCallback): Promise<LoggedIn> {
    const states = new URLSearchParams(input.query).getAll('state')
    const [state = ''] = states
    if (states.length !== 1 || !opaqueToken.test(state)) throw new AppError('attempt_not_yours')
    const attempt = await findLoginAttempt(db, hashToken(state))
    if (attempt === null) throw new AppError('attempt_expired')
    const { requestId, source = null } = input
    const scope = identityScope(asId('tenant', attempt.tenantId), requestId, { source })
    let redeemed: Redeemed | null = null
    try {
      redeemed = await redeem(scope, attempt, state, input)
      const { token, row } = await enter(scope, attempt, redeemed, input)
      const returnTo = safeReturnTo(attempt.returnTo, input.publicUrl ?? publicUrl)
      return { sessionToken: disclose(token), expiresAt: row.expiresAt, returnTo }
    } catch (err) {
      // A used attempt was recorded when it was used.
      if (err instanceof AppError && err.code !== 'attempt_expired') {
        await audit.record(scope, [refusalOf(err, attempt, redeemed?.person ?? null)])
      }
      throw err
    }
  }

  /** The one use of the attempt: checks that it is this browser's, then spends it, then the code. */
  async function redeem(
    scope: TenantScope,
    attempt: LoginAttemptRow,
    state: string,
    { loginProviderId, query, browserToken, publicUrl: cameBy = publicUrl }: LoginCallback
  ): Promise<Redeemed> {
    const isOurs = browserToken !== null && isEqual(hashToken(browserToken), attempt.browserHash)
    if (!isOurs || attempt.loginProviderId !== loginProviderId) {
      throw new AppError('attempt_not_yours')
    }
    const { provider, mappings } = await db.inTenant(scope, (tx) => readLogin(tx, attempt))
    const [codeVerifier, clientSecret] = await Promise.all([
      strongbox.open(scope, codeVerifierPlace(attempt.id), attempt.codeVerifierSealed),
      strongbox.open(scope, clientSecretPlace(provider.id), provider.clientSecretSealed)
    ])
    const isFirst = await db.inTenant(scope, (tx) => useLoginAttempt(tx, attempt.id, clock.now()))
    if (!isFirst) throw new AppError('attempt_expired')
    const { nonce } = attempt
    const wantsGroups = mappings.length > 0
    const input = { query, state, nonce, codeVerifier, clientSecret, wantsGroups }
    return await client.redeem(loginTarget(cameBy, provider), input)
  }

  /** From a person whom the provider vouches for to a session, in one transaction with its record. */
  async function enter(
    scope: TenantScope,
    attempt: LoginAttemptRow,
    { person, groups, sid, subject, idToken }: Redeemed,
    { sessionToken, invitationToken, userAgent, requestId, source = null }: LoginCallback
  ) {
    const found = await db.inTenant(scope, async (tx) => ({
      ...(await readLogin(tx, attempt)),
      limits: await readTenantSettings(tx),
      invitation: await findInvitationFor(tx, invitationToken, person, clock.now()),
      announced: await findAnnounced(tx, person)
    }))
    const { tenant, provider, mappings, limits, ...speaking } = found
    const isBootstrapTenant = tenant.slug === bootstrap.tenantSlug
    const rule = {
      emailDomains: provider.emailDomains,
      isInMappedGroup: mappingsIn(mappings, groups).length > 0,
      bootstrapAdmin: isBootstrapTenant ? bootstrap.adminEmail : tenant.firstAdminEmail,
      ...speaking
    }
    if (!(await isAdmissible(db, scope, person, rule))) {
      throw new AppError('forbidden', { detail: 'You are not a member here, and may not join' })
    }
    const user = await upsertUser(db, {
      id: newId('user', clock),
      identityHash: identityHash(person.issuer, person.subject),
      issuer: person.issuer,
      subject: person.subject,
      email: person.email?.text ?? '',
      isEmailVerified: person.isEmailVerified,
      name: person.name,
      lastLoginAt: clock.now()
    })
    await endPresentedSession(deps, sessionToken, 'new_login', { requestId, source })
    const id = newId('session', clock)
    const isShort = disclose(idToken).length <= idTokenKeptMax
    const session = newSession(clock, limits, {
      id,
      userId: user.id,
      loginProviderId: provider.id,
      userAgent,
      providerSessionHash: sid === null ? null : providerSessionHash(provider.id, sid),
      providerSubjectHash: providerSubjectHash(provider.id, subject),
      idTokenSealed: isShort ? await strongbox.seal(scope, idTokenPlace(id), idToken) : null
    })
    const userId = asId('user', user.id)
    const actor: Actor = { kind: 'user', id: userId }
    const membership = await db.inTenant(scope, async (tx) => {
      await admit(tx, deps, user, person, rule)
      await applyGroups(tx, deps, actor, { loginProviderId: provider.id, mappings, groups })
      const lastUsedAt = clock.now()
      const verifiedAt = provider.verifiedAt ?? lastUsedAt
      await noteLoginProvider(tx, provider.id, { lastUsedAt, verifiedAt })
      await noteMemberLogin(tx, user.id, clock.now())
      await insertSession(tx, session.row)
      const details = { loginProviderId: provider.id, hasGroupsOverage: groups.isOverage }
      const object = ['session', id] as const
      await audit.append(tx, { action: 'login', object, actor, details })
      return await findMembership(tx, userId)
    })
    const isFirstAdmin = isBootstrapAdmin(person, rule) && membership?.role === 'tenant_admin'
    if (isBootstrapTenant && isFirstAdmin) await deps.claimFirstOperator(userId)
    return session
  }

  return finish
}

/** What a login goes by, while its tenant and its provider stand. @throws AppError `not_found` */
async function readLogin(tx: Tx, { loginProviderId }: LoginAttemptRow) {
  const tenant = await findTenant(tx)
  const provider = await findLoginProvider(tx, loginProviderId)
  const isOpen = tenant?.status === 'active' && provider?.isEnabled
  if (!isOpen) throw new AppError('not_found')
  return { tenant, provider, mappings: await listGroupMappings(tx, [loginProviderId]) }
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A refusal is someone's move; anything of the platform's or the provider's is a failure. */
function refusalOf(err: AppError, attempt: LoginAttemptRow, person: Person | null): AuditEvent {
  return {
    action: 'login',
    object: ['login_provider', attempt.loginProviderId],
    outcome: err.status < 500 ? 'refused' : 'failed',
    code: err.code,
    details: person === null ? {} : { issuer: person.issuer, subject: person.subject }
  }
}
