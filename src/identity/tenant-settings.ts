import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { shortenSessions } from '../store/sessions.ts'
import { readTenantSettings, updateTenantSettings } from '../store/tenant-settings.ts'
import type { SessionLimits } from './session-life.ts'

/** What a tenant's admins decide for the whole of it; one resource, for every policy of the tenant's. */
export interface TenantSettingsView extends SessionLimits {
  readonly version: number
}

/** JSON merge patch (RFC 7396): absent keeps. */
export interface TenantSettingsPatch {
  readonly version: number
  readonly sessionIdleMinutes?: number | undefined
  readonly sessionMaxMinutes?: number | undefined
}

export interface TenantSettings {
  get(scope: TenantScope): Promise<TenantSettingsView>
  /** What becomes shorter counts for sessions that live already. @throws AppError `invalid_request`, `version_conflict` */
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
        const { sessionIdleMinutes = before.sessionIdleMinutes } = patch
        const { sessionMaxMinutes = before.sessionMaxMinutes } = patch
        const limits = { sessionIdleMinutes, sessionMaxMinutes }
        if (sessionIdleMinutes > sessionMaxMinutes) {
          throw invalidRequest('/sessionIdleMinutes', 'is longer than a session may last')
        }
        const updatedAt = clock.now()
        if (!(await updateTenantSettings(tx, patch.version, { ...limits, updatedAt }))) {
          throw new AppError('version_conflict')
        }
        await shortenSessions(tx, limits)
        const object = ['tenant', scope.tenantId] as const
        await audit.append(tx, { action: 'tenant_settings.update', object, details: limits })
        return viewOf(await readTenantSettings(tx))
      })
  }
}

function viewOf({ sessionIdleMinutes, sessionMaxMinutes, version }: TenantSettingsView) {
  return { sessionIdleMinutes, sessionMaxMinutes, version }
}
