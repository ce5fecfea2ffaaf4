import type { DataPlaneKind } from '../../providers/provider.ts'
import type { EndpointKind } from './kind.ts'
import { openaiCompatible } from './openai-compatible.ts'
import { identity, workspace } from './pass-through.ts'
import { serving } from './serving.ts'
import { statement } from './statement.ts'

/** Every kind of endpoint that a provider's table can name. */
export const kinds: Readonly<Record<DataPlaneKind, EndpointKind>> = {
  serving,
  openai: openaiCompatible,
  statement,
  workspace,
  identity
}
