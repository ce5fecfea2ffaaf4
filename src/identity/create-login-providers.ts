import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { type LoginProviderId, newId } from '../base/ids.ts'
import { pageOf } from '../base/page.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { hintOf, looksLikeMask } from '../crypto/bearer.ts'
import type { Db, Tx } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  deleteGroupMappings,
  insertGroupMappings,
  listGroupMappings
} from '../store/group-mappings.ts'
import {
  deleteLoginProvider,
  findLoginProvider,
  insertLoginProvider,
  type LoginProviderRow,
  lockLoginProviders,
  noteLoginProvider,
  pageLoginProviders,
  updateLoginProvider
} from '../store/login-providers.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { forgetLogins } from './group-roles.ts'
import { clientSecretPlace, kindOf, loginTarget } from './login-attempt.ts'
import type { LoginClient } from './login-client.ts'
import {
  isSameMapping,
  type MappingFacts,
  mappingsOf,
  settingsFrom
} from './login-provider-settings.ts'
import { viewOf } from './login-provider-view.ts'
import type { LoginProviderPatch, LoginProviders } from './login-providers.ts'
import { requireWayIn } from './way-in.ts'

export interface LoginProviderDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Strongbox
  readonly clock: Clock
  readonly client: Pick<LoginClient, 'checkIssuer' | 'verify'>
  readonly publicUrl: string
}

export function createLoginProviders(deps: LoginProviderDeps): LoginProviders {
  const { db, audit, strongbox, clock, client, publicUrl } = deps

  async function get(scope: TenantScope, id: LoginProviderId) {
    const { row, mappings } = await db.inTenant(scope, async (tx) => ({
      row: await mustFind(tx, id),
      mappings: await listGroupMappings(tx, [id])
    }))
    return viewOf(row, mappings, publicUrl)
  }

  /** Sealed before the transaction begins, stored within it. */
  async function sealSecret(scope: TenantScope, id: string, secret: Secret) {
    if (looksLikeMask(secret)) throw invalidRequest('/clientSecret', 'the mask is not a secret')
    return {
      clientSecretSealed: await strongbox.seal(scope, clientSecretPlace(id), secret),
      clientSecretHint: hintOf(secret),
      clientSecretSetAt: clock.now()
    }
  }

  /** What stays the same keeps those who have a role by it. */
  async function replaceMappings(tx: Tx, loginProviderId: string, wanted: readonly MappingFacts[]) {
    const present = await listGroupMappings(tx, [loginProviderId])
    const gone = present.filter((row) => !wanted.some((one) => isSameMapping(one, row)))
    const fresh = wanted.filter((one) => !present.some((row) => isSameMapping(one, row)))
    await deleteGroupMappings(
      tx,
      gone.map(({ id }) => id)
    )
    await insertGroupMappings(
      tx,
      fresh.map((facts) => ({ ...facts, id: newId('groupMapping', clock), loginProviderId }))
    )
  }

  async function change(
    tx: Tx,
    id: LoginProviderId,
    patch: LoginProviderPatch,
    secret: Partial<LoginProviderRow>
  ): Promise<void> {
    const { groupMappings, clientSecret } = patch
    await lockLoginProviders(tx)
    const row = await mustFind(tx, id)
    const settings = settingsFrom({ ...row, kind: kindOf(row) }, patch)
    const isOtherIssuer = settings.issuer !== row.issuer
    if (isOtherIssuer && clientSecret === undefined) {
      throw invalidRequest('/clientSecret', 'is needed anew with another issuer')
    }
    const isOther =
      isOtherIssuer || settings.kind !== row.kind || settings.clientId !== row.clientId
    const hasChanged = await updateLoginProvider(tx, id, patch.version, {
      ...settings,
      ...secret,
      ...((isOther || clientSecret) && { verifiedAt: null }),
      ...(groupMappings && { groupsOverageAt: null }),
      updatedAt: clock.now()
    })
    if (!hasChanged) throw new AppError('version_conflict')
    if (isOther) await forgetLogins(tx, id)
    if (groupMappings) await replaceMappings(tx, id, mappingsOf(groupMappings))
    const isSameWay = settings.isEnabled && !isOther && !patch.allowedTenantIds && !groupMappings
    if (!isSameWay) await requireWayIn(tx)
    const changed = Object.keys(patch).filter((name) => name !== 'version')
    const object = ['login_provider', id] as const
    await audit.append(tx, { action: 'login_provider.update', object, details: { changed } })
  }

  return {
    get,
    async list(scope, { limit, cursor }) {
      const { rows, mappings } = await db.inTenant(scope, async (tx) => {
        const rows = await pageLoginProviders(tx, { limit: limit + 1, cursor })
        const ids = rows.map(({ id }) => id)
        return { rows, mappings: await listGroupMappings(tx, ids) }
      })
      return pageOf(rows, limit, (row) => viewOf(row, mappings, publicUrl))
    },

    async create(scope, input) {
      const settings = settingsFrom(
        { ...input, isEnabled: true, allowedTenantIds: [], emailDomains: [] },
        input
      )
      client.checkIssuer(settings.issuer)
      const mappings = mappingsOf(input.groupMappings ?? [])
      const id = newId('loginProvider', clock)
      const secret = await sealSecret(scope, id, input.clientSecret)
      const now = clock.now()
      const row = { id, ...settings, ...secret, createdAt: now, updatedAt: now }
      await clientTaken(() =>
        db.inTenant(scope, async (tx) => {
          await insertLoginProvider(tx, row)
          await replaceMappings(tx, id, mappings)
          const object = ['login_provider', id] as const
          const { name, kind, issuer, clientId } = settings
          const details = { name, kind, issuer, clientId }
          await audit.append(tx, { action: 'login_provider.create', object, details })
        })
      )
      return await get(scope, id)
    },

    async update(scope, id, patch) {
      if (patch.issuer !== undefined) client.checkIssuer(patch.issuer)
      const secret = patch.clientSecret ? await sealSecret(scope, id, patch.clientSecret) : {}
      await clientTaken(() => db.inTenant(scope, (tx) => change(tx, id, patch, secret)))
      return await get(scope, id)
    },

    remove: (scope, id) =>
      db.inTenant(scope, async (tx) => {
        await lockLoginProviders(tx)
        const { isEnabled } = await mustFind(tx, id)
        await deleteLoginProvider(tx, id)
        if (isEnabled) await requireWayIn(tx)
        await audit.append(tx, { action: 'login_provider.delete', object: ['login_provider', id] })
      }),

    async verify(scope, id) {
      const row = await db.inTenant(scope, (tx) => mustFind(tx, id))
      const check = await client.verify(loginTarget(publicUrl, row))
      await db.inTenant(scope, async (tx) => {
        const { version } = await mustFind(tx, id)
        const verifiedAt = check.ok ? clock.now() : null
        if (version === row.version) await noteLoginProvider(tx, id, { verifiedAt })
        const object = ['login_provider', id] as const
        const outcome = check.ok ? 'succeeded' : 'failed'
        await audit.append(tx, { action: 'login_provider.verify', object, outcome })
      })
      return check
    }
  }
}

async function mustFind(tx: Tx, id: string): Promise<LoginProviderRow> {
  const row = await findLoginProvider(tx, id)
  if (row === null) throw new AppError('not_found')
  return row
}

async function clientTaken<T>(work: () => Promise<T>): Promise<T> {
  return await work().catch((err: unknown) => {
    if (!(err instanceof UniqueViolation)) throw err
    throw invalidRequest('/clientId', 'another login provider has this issuer and client')
  })
}
