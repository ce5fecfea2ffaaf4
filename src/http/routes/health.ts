import { Type } from 'typebox'
import { AppError } from '../../base/errors.ts'
import type { Departure } from '../plugins/closing.ts'
import { type App, answers, Strict } from '../route.ts'

const tags = ['health']
const Health = Strict({ status: Type.Literal('ok') }, { title: 'Health' })

interface Deps {
  readonly readiness: () => Promise<void>
  readonly departure: Departure
}

export function healthRoutes(app: App, { readiness, departure }: Deps): void {
  app.get(
    '/healthz',
    {
      config: { access: 'public', operation: 'health.live' },
      schema: { tags, security: [], summary: 'Alive', response: answers({ 200: Health }) }
    },
    async () => ({ status: 'ok' })
  )

  app.get(
    '/readyz',
    {
      config: { access: 'public', operation: 'health.ready' },
      schema: { tags, security: [], summary: 'Can serve', response: answers({ 200: Health }) }
    },
    async () => {
      departure.noteLook()
      if (departure.isAnnounced) throw new AppError('shutting_down')
      try {
        await readiness()
      } catch (err) {
        if (err instanceof AppError) throw err
        throw new AppError('overloaded', {
          detail: 'Not ready',
          note: 'the readiness check failed'
        })
      }
      return { status: 'ok' }
    }
  )
}
