import type { EndpointKind } from './kind.ts'

/** Model serving in the workspace's own shape; the body is anybody's and passes unread. */
export const servingInvocations: EndpointKind = {
  operation: 'serving.invocations',
  method: 'POST',
  path: /^\/serving-endpoints\/([^/]+)\/invocations$/,
  async ask(provider, match, body) {
    const endpoint = match[1] ?? ''
    return { endpoint, upstreamPath: provider.servingInvocationsPath(endpoint), body }
  }
}
