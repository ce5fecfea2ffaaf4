import type { FastifyRequest } from 'fastify'
import { invalidRequest } from '../base/errors.ts'

/** The query string as it came, without `?`. */
export function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? ''
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** One value of a page's query; null when absent or empty, refused when given twice. */
export function queryValue(request: FastifyRequest, name: string): string | null {
  const values = new URLSearchParams(queryOf(request)).getAll(name)
  if (values.length > 1) throw invalidRequest(`/query/${name}`, 'is given more than once')
  return values[0] || null
}
