import { AppError } from '../../base/errors.ts'
import type { App } from '../route.ts'

/** A body that a route does not declare is refused, not dropped in silence. */
export function installUnexpectedBody(app: App): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const { schema, config } = request.routeOptions
    const isDeclared = schema?.body !== undefined || config.surface === 'data' || request.is404
    if (isDeclared || request.body === undefined) return done()
    const errors = [{ pointer: '', message: 'no body is expected' }]
    done(new AppError('invalid_request', { errors }))
  })
}
