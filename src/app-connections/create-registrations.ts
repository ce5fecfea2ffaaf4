import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import type { AppConnectionId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import {
  type AccountAdmin,
  type AccountSession,
  type AccountSessionDeps,
  accountFault,
  openAccount
} from '../oauth/account-session.ts'
import { redirectUriOf } from '../oauth/authorization-code.ts'
import type { FoundApp } from '../providers/account.ts'
import { providers } from '../providers/registry.ts'
import {
  type AppConnectionRow,
  clearAppConnectionFault,
  deleteAppConnection,
  dropVerification,
  findAppConnection,
  updateAppConnection
} from '../store/app-connections.ts'
import { deleteClientSecret, insertClientSecret } from '../store/client-secrets.ts'
import type { Db } from '../store/db.ts'
import { clearSetbacks } from '../store/grants.ts'
import { sealClientSecret } from '../vault/client-secrets.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { findApp, type MadeApp, makeApp, refuseApp, removeApp } from './account-apps.ts'
import type { AppConnections, AppConnectionView, TokenPolicy } from './app-connections.ts'
import { differencesOf } from './registration-drift.ts'
import type { RegistrationInput, Registrations, RegistrationView } from './registrations.ts'

export interface RegistrationDeps extends AccountSessionDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Strongbox
  readonly publicUrl: string
  /** By which people reach Weft as well. */
  readonly otherPublicUrls?: readonly string[]
  readonly appConnections: Pick<AppConnections, 'create' | 'get' | 'update'>
}

export function createRegistrations(deps: RegistrationDeps): Registrations {
  const { db, audit, clock, publicUrl, otherPublicUrls = [], appConnections } = deps
  const provider = providers.databricks
  const { account } = provider

  const neededBy = (row: AppConnectionView | AppConnectionRow, policy: TokenPolicy) => ({
    redirectUrls: [publicUrl, ...otherPublicUrls].map((url) => redirectUriOf(url, row.id)),
    scopes: row.scopes,
    policy
  })

  /** The app connection that is to be filled, with what was asked for; `isNew`: nobody had it before. */
  async function draftFor(scope: TenantScope, input: RegistrationInput, session: AccountSession) {
    const { name, scopes, isDefault, appConnectionId: id } = input
    const tokenPolicy = { hasSingleUseRefreshTokens: true, ...input.tokenPolicy }
    const asked = { accountHost: session.origin, accountId: session.accountId, tokenPolicy }
    const fields = { name, scopes, isDefault, ...asked }
    if (id === undefined) {
      const view = await appConnections.create(scope, { ...fields, provider: 'databricks' })
      await begin(scope, view.id)
      return { view, isNew: true }
    }
    const row = mustBe(await db.inTenant(scope, (tx) => findAppConnection(tx, id)))
    if (row.clientId !== null || row.clientSecrets.length > 0) {
      throw new AppError('conflict', { detail: 'This app connection has a client already' })
    }
    const redirectUri = redirectUriOf(publicUrl, id)
    if (row.registrationBegunAt !== null) await removeApp(session, provider, redirectUri)
    else await refuseApp(session, provider, redirectUri)
    const view = await appConnections.update(scope, id, { ...fields, version: row.version })
    await begin(scope, id)
    return { view, isNew: false }
  }

  /** From now on, what is found at the account with this redirect URI was made by this registration. */
  async function begin(scope: TenantScope, id: AppConnectionId): Promise<void> {
    await db.inTenant(scope, async (tx) => {
      const { version } = mustBe(await findAppConnection(tx, id))
      await updateAppConnection(tx, id, version, { registrationBegunAt: clock.now() })
    })
  }

  async function keep(
    scope: TenantScope,
    id: AppConnectionId,
    { made, policy }: MadeApp
  ): Promise<void> {
    const secret = await sealClientSecret(deps, scope, made)
    const now = clock.now()
    await db.inTenant(scope, async (tx) => {
      const row = mustBe(await findAppConnection(tx, id))
      if (row.clientId !== null) throw new AppError('version_conflict')
      const isCurrent = await updateAppConnection(tx, id, row.version, {
        clientId: made.clientId,
        registrationId: made.id,
        registrationBegunAt: null,
        hasSingleUseRefreshTokens: policy.hasSingleUseRefreshTokens,
        updatedAt: now
      })
      if (!isCurrent) throw new AppError('version_conflict')
      await insertClientSecret(tx, { appConnectionId: id }, secret)
      await dropVerification(tx, id)
      await clearAppConnectionFault(tx, id)
      await clearSetbacks(tx, { appConnectionId: id })
      const details = { clientId: made.clientId, registrationId: made.id }
      const object = ['app_connection', id] as const
      await audit.append(tx, { action: 'app_connection.register', object, details })
    })
  }

  /** Nothing is left at the account: the draft is as it was before. */
  async function settle(scope: TenantScope, id: AppConnectionId): Promise<void> {
    await db.inTenant(scope, async (tx) => {
      const { version } = mustBe(await findAppConnection(tx, id))
      await updateAppConnection(tx, id, version, { registrationBegunAt: null })
    })
  }

  /** A draft that was made for a registration which did not come to be. */
  async function drop(scope: TenantScope, id: AppConnectionId): Promise<void> {
    await db.inTenant(scope, async (tx) => {
      await deleteAppConnection(tx, id)
      await audit.append(tx, { action: 'app_connection.delete', object: ['app_connection', id] })
    })
  }

  async function open(scope: TenantScope, id: AppConnectionId, admin: AccountAdmin) {
    const row = mustBe(await db.inTenant(scope, (tx) => findAppConnection(tx, id)))
    const { accountHost, accountId, clientId } = row
    if (accountHost === null || accountId === null || clientId === null) {
      throw new AppError('conflict', {
        detail: 'The app connection names no account or has no client yet'
      })
    }
    return {
      row,
      clientId,
      session: await openAccount(deps, provider, { accountHost, accountId }, admin)
    }
  }

  /** By its id, or, where an admin registered it by hand, by its client. */
  async function findFor(session: AccountSession, row: AppConnectionRow) {
    if (row.registrationId === null) {
      return await findApp(session, provider, ({ clientId }) => clientId === row.clientId)
    }
    const answer = await session.ask(account.read(session.accountId, row.registrationId))
    if (answer.ok) return answer.value
    if (answer.failure === 'gone') return null
    throw accountFault(answer.failure)
  }

  function viewOf(row: AppConnectionRow, found: FoundApp | null): RegistrationView {
    const checkedAt = clock.now()
    if (found === null) {
      return { status: 'gone', registrationId: row.registrationId, differences: [], checkedAt }
    }
    const differences = differencesOf(provider, neededBy(row, policyOf(row)), found)
    const status = differences.length === 0 ? 'in_step' : 'drifted'
    return { status, registrationId: found.id, differences, checkedAt }
  }

  return {
    async register(scope, input) {
      const session = await openAccount(deps, provider, input, input.admin)
      await session.mustAsk(account.list(session.accountId, null)) // or nothing is begun
      const { view, isNew } = await draftFor(scope, input, session)
      const isSingleUseAsked = input.tokenPolicy?.hasSingleUseRefreshTokens === true
      const registration = { name: input.name, ...neededBy(view, view.tokenPolicy) }
      // Where the account can't be asked, the draft stays, and a next try looks for what is left there.
      const undo = async (error: unknown): Promise<never> => {
        await removeApp(session, provider, view.redirectUri).then(
          () => (isNew ? drop(scope, view.id) : settle(scope, view.id)),
          () => undefined
        )
        throw error
      }
      const made = await makeApp(session, provider, registration, isSingleUseAsked).catch(undo)
      await keep(scope, view.id, made).catch(undo)
      return await appConnections.get(scope, view.id)
    },

    async check(scope, id, admin) {
      const { row, session } = await open(scope, id, admin)
      return viewOf(row, await findFor(session, row))
    },

    async mend(scope, id, admin) {
      const { row, session } = await open(scope, id, admin)
      const found = await findFor(session, row)
      if (found === null) throw accountFault('gone')
      const { differences } = viewOf(row, found)
      if (differences.length === 0) return viewOf(row, found)
      const implicit = found.scopes.filter((scope_) => account.implicitScopes.includes(scope_))
      const needed = neededBy(row, policyOf(row))
      const scopes = [...new Set([...needed.scopes, ...implicit])]
      await session.mustAsk(account.update(session.accountId, found, { ...needed, scopes }))
      await audit.record(scope, [
        {
          action: 'app_connection.mend_registration',
          object: ['app_connection', id],
          details: { registrationId: found.id, mended: differences.map(({ member }) => member) }
        }
      ])
      return viewOf(row, await findFor(session, row))
    },

    async unregister(scope, id, admin) {
      const { row, session } = await open(scope, id, admin)
      const { registrationId } = row
      if (registrationId === null) {
        throw new AppError('conflict', {
          detail: 'Weft did not register this client; delete it in the account console'
        })
      }
      const answer = await session.ask(account.remove(session.accountId, registrationId))
      if (!answer.ok && answer.failure !== 'gone') throw accountFault(answer.failure)
      await db.inTenant(scope, async (tx) => {
        const now = mustBe(await findAppConnection(tx, id))
        for (const secret of now.clientSecrets) {
          await deleteClientSecret(tx, { appConnectionId: id }, secret.id)
        }
        const none = { clientId: null, registrationId: null, updatedAt: clock.now() }
        await updateAppConnection(tx, id, now.version, none)
        await dropVerification(tx, id)
        const object = ['app_connection', id] as const
        const details = { registrationId }
        await audit.append(tx, { action: 'app_connection.delete_registration', object, details })
      })
      return await appConnections.get(scope, id)
    }
  }
}

function mustBe(row: AppConnectionRow | null): AppConnectionRow {
  if (row === null) throw new AppError('not_found')
  return row
}

function policyOf(row: AppConnectionRow): TokenPolicy {
  return {
    refreshTokenTtlMinutes: row.refreshTokenTtlMinutes,
    absoluteSessionLifetimeMinutes: row.absoluteSessionMinutes,
    hasSingleUseRefreshTokens: row.hasSingleUseRefreshTokens
  }
}
