import type { FastifyRequest } from 'fastify'
import { AppError } from '../../base/errors.ts'
import type { Idempotency } from '../../identity/identity.ts'

/** Runs the work of a create route, once per `Idempotency-Key` where the caller sends one. */
export type CreateOnce = <T>(request: FastifyRequest, work: () => Promise<T>) => Promise<T>

export function createOnce(idempotency: Idempotency): CreateOnce {
  return async (request, work) => {
    const key = request.headers['idempotency-key']
    if (key === undefined) return work()
    const { operation } = request.routeOptions.config
    if (typeof key !== 'string' || operation === undefined) throw new AppError('invalid_request')
    const body = { params: request.params, body: request.body }
    return idempotency.once(request.scope, { key, operation, body }, work)
  }
}
