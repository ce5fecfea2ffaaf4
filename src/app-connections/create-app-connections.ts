import { AppError, invalidRequest } from '../base/errors.ts'
import { type AppConnectionId, newId } from '../base/ids.ts'
import { pageOf } from '../base/page.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { checkHostPatterns } from '../providers/host-patterns.ts'
import { providers } from '../providers/registry.ts'
import {
  type AppConnectionRow,
  clearAppConnectionFault,
  clearDefaultAppConnection,
  dropVerification,
  findDefaultAppConnection,
  insertAppConnection,
  listAppConnections,
  lockAppConnection,
  updateAppConnection
} from '../store/app-connections.ts'
import { deleteClientSecret, insertClientSecret } from '../store/client-secrets.ts'
import type { Tx } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import { clearSetbacks } from '../store/grants.ts'
import { sealClientSecret } from '../vault/client-secrets.ts'
import type { Vault } from '../vault/vault.ts'
import { viewOf } from './app-connection-view.ts'
import type { AppConnectionPatch, AppConnections, TokenPolicy } from './app-connections.ts'
import { readCapabilities } from './capabilities.ts'
import { createVerification } from './create-verification.ts'
import { createRemoval, mustFind } from './removal.ts'
import type { VerificationDeps } from './verification-plan.ts'

export interface AppConnectionDeps extends VerificationDeps {
  /** Exact origins that the operator named beside the provider's zones. */
  readonly extraOrigins: readonly string[]
  readonly vault: Pick<Vault, 'prepareRevocations'>
}

export function createAppConnections(deps: AppConnectionDeps): AppConnections {
  const { db, audit, clock, publicUrl } = deps
  const extraHosts = deps.extraOrigins.map((origin) => new URL(origin).hostname)
  const view = (row: AppConnectionRow) => viewOf(row, publicUrl, clock.now())
  const checkHosts = (patterns: readonly string[]) =>
    checkHostPatterns(patterns, providers.databricks.zones, extraHosts)

  async function get(scope: TenantScope, id: AppConnectionId) {
    return view(await db.inTenant(scope, (tx) => mustFind(tx, id)))
  }

  /** Sealed before the transaction begins, stored within it. */
  const sealGiven = async (scope: TenantScope, clientSecret: Secret | undefined) =>
    clientSecret === undefined ? null : await sealClientSecret(deps, scope, { clientSecret })

  /** One change of its secrets at a time: who adds one meanwhile waits. */
  async function touchLocked(tx: Tx, id: AppConnectionId): Promise<void> {
    await lockAppConnection(tx, id)
    const { version } = await mustFind(tx, id)
    await updateAppConnection(tx, id, version, { updatedAt: clock.now() })
  }

  return {
    get,
    ...createVerification(deps),
    ...createRemoval(deps),
    async setup(scope, id) {
      const { name, redirectUri, scopes, provider } = await get(scope, id)
      const { registration } = providers[provider]
      const clouds = registration.guides({ name, redirectUri, scopes })
      const { propagationMinutes } = registration
      return { redirectUri, scopes, propagationMinutes, clouds }
    },
    list: async (scope, { limit, cursor }) => {
      const rows = await db.inTenant(scope, (tx) =>
        listAppConnections(tx, { limit: limit + 1, cursor })
      )
      return pageOf(rows, limit, view)
    },

    async create(scope, input) {
      const id = newId('appConnection', clock)
      const now = clock.now()
      const secret = await sealGiven(scope, input.clientSecret)
      const { oauth } = providers[input.provider]
      const policy: TokenPolicy = { ...unknownPolicy, ...input.tokenPolicy }
      const row = {
        id,
        name: input.name,
        provider: input.provider,
        accountHost: input.accountHost ?? null,
        accountId: input.accountId ?? null,
        clientId: input.clientId ?? null,
        scopes: checkScopes(input.scopes ?? oauth.defaultScopes, oauth.requiredScopes),
        clientAuthMethod: input.clientAuthMethod ?? oauth.clientAuthMethod,
        allowedHosts: checkHosts(input.allowedHosts ?? []),
        refreshTokenTtlMinutes: policy.refreshTokenTtlMinutes,
        absoluteSessionMinutes: policy.absoluteSessionLifetimeMinutes,
        hasSingleUseRefreshTokens: policy.hasSingleUseRefreshTokens,
        createdAt: now,
        updatedAt: now
      }
      const insert = () =>
        db.inTenant(scope, async (tx) => {
          const hasDefault = (await findDefaultAppConnection(tx, input.provider)) !== null
          const isDefault = input.isDefault ?? !hasDefault
          if (isDefault) await clearDefaultAppConnection(tx, input.provider)
          await insertAppConnection(tx, { ...row, isDefault })
          if (secret !== null) await insertClientSecret(tx, { appConnectionId: id }, secret)
          const details = { name: row.name, clientId: row.clientId, hasSecret: secret !== null }
          await audit.append(tx, {
            action: 'app_connection.create',
            object: ['app_connection', id],
            details
          })
        })
      await nameTaken(() => unlessDefaultTaken(insert))
      return await get(scope, id)
    },

    async update(scope, id, patch) {
      const secret = await sealGiven(scope, patch.clientSecret)
      const { oauth } = providers.databricks
      const scopes = patch.scopes && checkScopes(patch.scopes, oauth.requiredScopes)
      const allowedHosts = patch.allowedHosts && checkHosts(patch.allowedHosts)
      await nameTaken(() =>
        db.inTenant(scope, async (tx) => {
          const row = await mustFind(tx, id)
          if (patch.isDefault === true) await clearDefaultAppConnection(tx, row.provider)
          const changes = changesOf({ ...patch, scopes, allowedHosts })
          const updatedAt = clock.now()
          const isCurrent = await updateAppConnection(tx, id, patch.version, {
            ...changes,
            updatedAt
          })
          if (!isCurrent) throw new AppError('version_conflict')
          if (secret !== null) await insertClientSecret(tx, { appConnectionId: id }, secret)
          const isOtherClient = verifiedMembers.some((member) => Object.hasOwn(changes, member))
          if (isOtherClient || secret !== null) await dropVerification(tx, id)
          await forgiveSetbacks(tx, id)
          const details = { changed: Object.keys(changes), hasNewSecret: secret !== null }
          const object = ['app_connection', id] as const
          await audit.append(tx, { action: 'app_connection.update', object, details })
        })
      )
      return await get(scope, id)
    },

    async addSecret(scope, id, input) {
      const secret = await sealClientSecret(deps, scope, input)
      await db.inTenant(scope, async (tx) => {
        await touchLocked(tx, id)
        await insertClientSecret(tx, { appConnectionId: id }, secret)
        await dropVerification(tx, id)
        await forgiveSetbacks(tx, id)
        const details = { secretId: secret.id }
        const object = ['app_connection', id] as const
        await audit.append(tx, { action: 'app_connection.add_secret', object, details })
      })
      return await get(scope, id)
    },

    removeSecret: (scope, id, secretId) =>
      db.inTenant(scope, async (tx) => {
        await touchLocked(tx, id)
        const isGone = await deleteClientSecret(tx, { appConnectionId: id }, secretId)
        if (!isGone) throw new AppError('not_found')
        const object = ['app_connection', id] as const
        const details = { secretId }
        await audit.append(tx, { action: 'app_connection.delete_secret', object, details })
      }),

    capabilities: (scope) => readCapabilities(db, scope)
  }
}

/** What a verification is about: with another of these it has to be done again. */
const verifiedMembers = ['clientId', 'clientAuthMethod', 'scopes'] as const

/** What was refused may be accepted now: nobody waits for a next try. */
async function forgiveSetbacks(tx: Tx, id: string): Promise<void> {
  await clearAppConnectionFault(tx, id)
  await clearSetbacks(tx, { appConnectionId: id })
}

const unknownPolicy: TokenPolicy = {
  refreshTokenTtlMinutes: null,
  absoluteSessionLifetimeMinutes: null,
  hasSingleUseRefreshTokens: null
}

function policyColumns(policy: Partial<TokenPolicy>) {
  const { absoluteSessionLifetimeMinutes: absoluteSessionMinutes, ...rest } = policy
  return absoluteSessionMinutes === undefined ? rest : { ...rest, absoluteSessionMinutes }
}

function changesOf(patch: Partial<AppConnectionPatch>) {
  const { version: _, clientSecret: __, scopes, allowedHosts, tokenPolicy, ...plain } = patch
  const given = Object.entries(plain).filter(([, value]) => value !== undefined)
  return {
    ...Object.fromEntries(given),
    ...(scopes === undefined ? {} : { scopes: [...scopes] }),
    ...(allowedHosts === undefined ? {} : { allowedHosts: [...allowedHosts] }),
    ...(tokenPolicy === undefined ? {} : policyColumns(tokenPolicy))
  }
}

function checkScopes(scopes: readonly string[], required: readonly string[]): string[] {
  const missing = required.filter((scope) => !scopes.includes(scope))
  if (missing.length === 0) return [...new Set(scopes)]
  throw invalidRequest('/scopes', `must include ${missing.join(', ')}, or a sign-in cannot last`)
}

/** Of two that are made the default at once one is first; the other then sees that there is one. */
async function unlessDefaultTaken(insert: () => Promise<void>): Promise<void> {
  try {
    await insert()
  } catch (error) {
    const isName =
      error instanceof UniqueViolation && error.fields.some((field) => field.includes('name'))
    if (!(error instanceof UniqueViolation) || isName) throw error
    await insert()
  }
}

/** Names are unique per tenant; a race for one reads like a clash. */
async function nameTaken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UniqueViolation)) throw error
    // Two admins made a default or added a secret at the same instant.
    if (!error.fields.some((field) => field.includes('name')))
      throw new AppError('version_conflict')
    throw invalidRequest('/name', 'another app connection has this name')
  }
}
