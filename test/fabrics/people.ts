import { asId, type TeamId } from '../../src/base/ids.ts'
import { makeTenantScope, type TenantScope } from '../../src/base/tenant-scope.ts'
import { authorityOf, type TeamRole, type TenantRole } from '../../src/identity/roles.ts'

export const red: TeamId = asId('team', 'team_red')
export const blue: TeamId = asId('team', 'team_blue')
export const green: TeamId = asId('team', 'team_green')

function scopeOf(
  tenant: string,
  person: string,
  role: TenantRole,
  teams: readonly { id: TeamId; role: TeamRole }[]
): TenantScope {
  const actor = { kind: 'user', id: asId('user', `usr_${person}`) } as const
  return makeTenantScope(asId('tenant', tenant), actor, authorityOf({ kind: 'user', role, teams }))
}

/** Who asks: of tenant acme, with teams red and blue, and of tenant globex, with team green. */
export const as = {
  admin: scopeOf('ten_acme', 'admin', 'tenant_admin', []),
  lead: scopeOf('ten_acme', 'lead', 'member', [{ id: red, role: 'admin' }]),
  member: scopeOf('ten_acme', 'member', 'member', [{ id: red, role: 'member' }]),
  outsider: scopeOf('ten_acme', 'outsider', 'member', [{ id: blue, role: 'admin' }]),
  stranger: scopeOf('ten_globex', 'stranger', 'tenant_admin', [])
} as const

/** Tenants, teams and their people. */
export async function settle(
  sql: (text: string, values?: unknown[]) => Promise<unknown>
): Promise<void> {
  for (const tenant of ['ten_acme', 'ten_globex']) {
    await sql('INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, $1, $1, now())', [
      tenant
    ])
  }
  for (const [id, tenant] of [
    [red, 'ten_acme'],
    [blue, 'ten_acme'],
    [green, 'ten_globex']
  ]) {
    await sql(`INSERT INTO teams VALUES ($1, $2, $1, 'shared', now())`, [id, tenant])
  }
  for (const { actor, tenantId } of Object.values(as)) {
    await sql(
      `INSERT INTO users (id, identity_hash, issuer, subject, email, is_email_verified, name, created_at, last_login_at)
       VALUES ($1, $1, 'i', $1, $1, true, $1, now(), now())`,
      [actor.id]
    )
    await sql(`INSERT INTO memberships VALUES ($1, $2, 'member', now())`, [tenantId, actor.id])
  }
}
