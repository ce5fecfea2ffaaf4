import type { Schemas } from '../../generated/operations.ts'

/** What each part of the fabric page is given. */
export interface TabProps {
  readonly fabric: Schemas['Fabric']
}
