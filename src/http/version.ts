import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError, invalidRequest } from '../base/errors.ts'

/** The version that an update was made against: the body's `version`, or `If-Match`. */
export function versionOf(request: FastifyRequest, body: { readonly version?: number }): number {
  const tag = request.headers['if-match']
  const tagged = tag === undefined ? undefined : Number(tag.slice(1, -1))
  const version = body.version ?? tagged
  if (version === undefined) throw invalidRequest('/version', 'is required, here or as If-Match')
  if (tagged !== undefined && tagged !== version) {
    throw new AppError('invalid_request', {
      errors: [{ pointer: '/version', message: 'differs from If-Match' }]
    })
  }
  return version
}

/** Sets the resource's ETag and hands the resource on. */
export function withEtag<T extends { readonly version: number }>(
  reply: FastifyReply,
  resource: T
): T {
  reply.header('etag', `"${resource.version}"`)
  return resource
}
