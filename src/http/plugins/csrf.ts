import type { FastifyRequest } from 'fastify'
import { AppError } from '../../base/errors.ts'
import { surfaceOf } from '../route.ts'

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses a request that a browser may have sent for another site with this user's cookie: one that
 * changes state, or any on the data plane, must carry `x-weft-csrf: 1` (which no form can set), and one
 * that changes state must say that it comes from this origin.
 * @throws AppError `csrf_refused`, before any effect
 */
export function refuseForeignSite(request: FastifyRequest, cookie: string | null): void {
  const isSafe = safe.has(request.method)
  if (cookie === null || (isSafe && surfaceOf(request) !== 'data')) return
  const { headers, publicUrl } = request
  if (headers['x-weft-csrf'] !== '1') {
    throw new AppError('csrf_refused', { detail: 'The header x-weft-csrf: 1 is missing' })
  }
  const { origin } = headers
  const site = headers['sec-fetch-site']
  const isForeign =
    (origin !== undefined && origin !== publicUrl.origin) ||
    (site !== undefined && site !== 'same-origin')
  const isUnnamed = origin === undefined && site === undefined
  if (isForeign || (isUnnamed && !isSafe)) throw new AppError('csrf_refused')
}
