import { createConnections } from './connections.ts'
import type { FabricDeps } from './fabric-deps.ts'
import { createFabricKeeping } from './fabric-keeping.ts'
import type { Fabrics } from './fabrics.ts'
import { createSignIn } from './sign-in.ts'
import { createTests } from './test-plans.ts'

export function createFabrics(deps: FabricDeps): Fabrics {
  return {
    ...createFabricKeeping(deps),
    ...createSignIn(deps),
    ...createConnections(deps),
    ...createTests(deps)
  }
}
