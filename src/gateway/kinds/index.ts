import type { EndpointKind } from './kind.ts'
import { openaiCompatible } from './openai-compatible.ts'
import { servingInvocations } from './serving-invocations.ts'

/** Every kind of endpoint; what none of them claims is not served. */
export const kinds: readonly EndpointKind[] = [servingInvocations, openaiCompatible]
