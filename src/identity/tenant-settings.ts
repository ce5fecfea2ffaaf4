import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { shortenSessions } from '../store/sessions.ts'
import {
  readTenantSettings,
  type TenantPolicies,
  updateTenantSettings
} from '../store/tenant-settings.ts'

/** What a tenant's admins decide for the whole of it; one resource, for every policy of the tenant's. */
export interface TenantSettingsView extends TenantPolicies {
  readonly version: number
}

/** JSON merge patch (RFC 7396): absent keeps. */
export type TenantSettingsPatch = {
  readonly [policy in keyof TenantPolicies]?: TenantPolicies[policy] | undefined
} & { readonly version: number }

export interface TenantSettings {
  get(scope: TenantScope): Promise<TenantSettingsView>
  /** What becomes shorter counts for sessions and tokens that live already. @throws AppError `invalid_request`, `version_conflict` */
  update(scope: TenantScope, patch: TenantSettingsPatch): Promise<TenantSettingsView>
}

export function createTenantSettings(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
}): TenantSettings {
  const { db, audit, clock } = deps
  return {
    get: async (scope) => viewOf(await db.inTenant(scope, readTenantSettings)),
    update: async (scope, patch) =>
      await db.inTenant(scope, async (tx) => {
        const before = await readTenantSettings(tx)
        const policies = policiesOf(before, patch)
        if (policies.sessionIdleMinutes > policies.sessionMaxMinutes) {
          throw invalidRequest('/sessionIdleMinutes', 'is longer than a session may last')
        }
        const updatedAt = clock.now()
        if (!(await updateTenantSettings(tx, patch.version, { ...policies, updatedAt }))) {
          throw new AppError('version_conflict')
        }
        await shortenSessions(tx, policies)
        const object = ['tenant', scope.tenantId] as const
        await audit.append(tx, { action: 'tenant_settings.update', object, details: policies })
        return viewOf(await readTenantSettings(tx))
      })
  }
}

/** Each as it was, unless the change says otherwise. */
function policiesOf(
  before: TenantPolicies,
  change: Omit<TenantSettingsPatch, 'version'> = {}
): TenantPolicies {
  const {
    sessionIdleMinutes = before.sessionIdleMinutes,
    sessionMaxMinutes = before.sessionMaxMinutes,
    personalTokensAllowed = before.personalTokensAllowed,
    personalTokenMaxDays = before.personalTokenMaxDays,
    delegationsAllowed = before.delegationsAllowed
  } = change
  return {
    sessionIdleMinutes,
    sessionMaxMinutes,
    personalTokensAllowed,
    personalTokenMaxDays,
    delegationsAllowed
  }
}

function viewOf(row: TenantPolicies & { readonly version: number }): TenantSettingsView {
  return { ...policiesOf(row), version: row.version }
}
