import type { EndpointKind } from './kind.ts'

/** Anything of the workspace that is about no single serving endpoint: clusters, jobs, Thrift, lists. */
export const workspace: EndpointKind = {
  reach: 'workspace',
  ask: ({ body }) => ({ endpoint: null, body })
}

/** Whom the token stands for, which its holder may know in any case. */
export const identity: EndpointKind = {
  reach: 'open',
  ask: ({ body }) => ({ endpoint: null, body })
}
