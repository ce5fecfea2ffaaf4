import assert from 'node:assert/strict'
import type { DeploymentId } from '../../base/ids.ts'
import { isJsonObject } from '../../base/json-object.ts'
import { Secret } from '../../base/secret.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { DeploymentRow } from '../../store/deployments.ts'
import type { Place, Strongbox } from '../../vault/strongbox.ts'
import type { DeploymentInput, DeploymentSpec } from './deployments.ts'

const placeOf = (id: string): Place => ['deployments', id, 'spec_sealed']

/** Sealed, since parameters and environments hold what nobody should read in a database. */
export async function sealSpec(
  strongbox: Strongbox,
  scope: TenantScope,
  id: DeploymentId,
  { settings, jobSize }: DeploymentInput
): Promise<string> {
  const spec: DeploymentSpec = { settings, jobSize: jobSize ?? null }
  return await strongbox.seal(scope, placeOf(id), new Secret(JSON.stringify(spec)))
}

/** Null: it never came to its end, or was deployed before specs were kept. */
export async function openSpec(
  strongbox: Strongbox,
  scope: TenantScope,
  { id, specSealed }: Pick<DeploymentRow, 'id' | 'specSealed'>
): Promise<DeploymentSpec | null> {
  if (specSealed === null) return null
  const spec: unknown = JSON.parse(await strongbox.openText(scope, placeOf(id), specSealed))
  assert(isJsonObject(spec) && isJsonObject(spec.settings), 'what `sealSpec` wrote')
  const { settings, jobSize } = spec
  return { settings, jobSize: typeof jobSize === 'string' ? jobSize : null }
}
