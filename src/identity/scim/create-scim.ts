import { createScimGroups } from './groups.ts'
import type { Scim, ScimDeps } from './scim.ts'
import { createScimUsers } from './users.ts'

export function createScim(deps: ScimDeps): Scim {
  return { users: createScimUsers(deps), groups: createScimGroups(deps) }
}
