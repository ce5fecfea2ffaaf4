import type { EndpointKind } from './kind.ts'

/** One serving endpoint, named in the path; the body is anybody's and passes unread. */
export const serving: EndpointKind = {
  reach: 'endpoint',
  ask: ({ params, body }) => ({ endpoint: params.endpoint ?? null, body })
}
