import { AppError } from '../../base/errors.ts'
import type { Identity } from '../../identity/identity.ts'
import type { App } from '../route.ts'

/** What a known caller may not is on record before they are told; the gateway records its own refusals. */
export function installDenials(app: App, { denials }: Pick<Identity, 'denials'>): void {
  app.addHook('onError', async (request, _reply, err: unknown) => {
    const { caller } = request
    const { operation, surface } = request.routeOptions.config
    const isDenial = err instanceof AppError && err.code === 'forbidden' && surface !== 'data'
    if (!isDenial || caller === null || operation === undefined) return
    await denials.note(caller, operation).catch(() => {
      request.line.note = 'this refusal is not on record'
    })
  })
}
