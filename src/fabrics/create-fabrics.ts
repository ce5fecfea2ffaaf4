import { createConnections } from './connections.ts'
import { createDiscovery } from './discovery.ts'
import { createFabricAccess, type FabricAccess } from './fabric-access.ts'
import type { FabricDeps } from './fabric-deps.ts'
import { createFabricKeeping } from './fabric-keeping.ts'
import { createFabricTransfer } from './fabric-transfer.ts'
import type { Fabrics } from './fabrics.ts'
import { createPrincipalSecrets } from './principal-secrets.ts'
import { createSignIn } from './sign-in.ts'
import { createTests } from './test-plans.ts'
import { createUsage } from './usage.ts'

export function createFabrics(
  deps: FabricDeps,
  access: FabricAccess = createFabricAccess(deps)
): Fabrics {
  const keeping = createFabricKeeping(deps)
  return {
    ...keeping,
    ...createFabricTransfer(deps, keeping.get),
    ...createPrincipalSecrets(deps, keeping.get),
    ...createSignIn(deps),
    ...createConnections(deps),
    ...createTests(deps),
    ...createDiscovery(deps, access),
    ...createUsage(deps)
  }
}
