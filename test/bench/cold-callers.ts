import type { FabricId } from '../../src/base/ids.ts'
import { newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { accessTokenPlace } from '../../src/vault/refresh-projection.ts'
import type { VaultWorld } from '../support/vault-world.ts'

/** Of a tenant of its own, whose tokens are good for an hour: whoever comes first finds nothing remembered. */
export interface ColdCaller {
  readonly fabricId: FabricId
  readonly serviceKey: string
  readonly session: string
}

const hour = 3_600_000

export async function seedColdCaller(world: VaultWorld, origin: string): Promise<ColdCaller> {
  const { rows, clock } = world
  const seeded = await rows.tenant(`cold-${newId('tenant', clock).slice(-12).toLowerCase()}`)
  const { tenantId } = seeded
  const scope = makeTenantScope(tenantId, { kind: 'system', id: 'bench' }, systemAuthority)
  const appConnectionId = await rows.appConnection(tenantId, 'bench-client')
  // Whoever signs in needs one; nobody does here, so it is never opened.
  await rows.insert('client_secrets', {
    id: newId('clientSecret', clock),
    tenant_id: tenantId,
    app_connection_id: appConnectionId,
    state: 'current',
    sealed: '-',
    hint: '…',
    set_at: clock.now()
  })
  const fabricId = await rows.fabric(seeded, origin, appConnectionId)
  const owner = { tenant_id: tenantId, fabric_id: fabricId }
  await rows.insert('service_principals', { ...owner, client_id: 'bench-principal' })
  const userId = await rows.user(seeded)
  const now = clock.now()

  async function tokenOf(grantId: string) {
    const token = new Secret('a'.repeat(800))
    return {
      accessTokenSealed: await world.own.strongbox.seal(scope, accessTokenPlace(grantId), token),
      accessIssuedAt: now,
      accessExpiresAt: new Date(now.getTime() + hour)
    }
  }

  const ofPerson = newId('grant', clock)
  await rows.userGrant(
    tenantId,
    { userId, workspaceOrigin: origin, appConnectionId },
    { grantId: ofPerson, refreshTokenSealed: null, ...(await tokenOf(ofPerson)) }
  )
  const ofPrincipal = newId('grant', clock)
  const { accessTokenSealed, accessIssuedAt, accessExpiresAt } = await tokenOf(ofPrincipal)
  await rows.insert('grants', {
    id: ofPrincipal,
    ...owner,
    kind: 'service_principal',
    workspace_origin: origin,
    state: 'active',
    since: now,
    created_at: now
  })
  await rows.insert('grant_tokens', {
    tenant_id: tenantId,
    grant_id: ofPrincipal,
    generation: 1,
    access_token_sealed: accessTokenSealed,
    access_issued_at: accessIssuedAt,
    access_expires_at: accessExpiresAt
  })
  return {
    fabricId,
    serviceKey: await rows.serviceKey(tenantId, [fabricId]),
    session: await rows.session(tenantId, userId)
  }
}
