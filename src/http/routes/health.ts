import { AppError } from '../../base/errors.ts'
import { type DegradedPart, degradedParts } from '../../base/standing.ts'
import { Type } from '../json-schema.ts'
import type { Departure } from '../plugins/closing.ts'
import { type App, answers, Strict } from '../route.ts'

const tags = ['health']
const Health = Strict({ status: Type.Literal('ok') }, { title: 'Health' })
const Readiness = Strict(
  {
    status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')]),
    degraded: Type.Optional(
      Type.Array(Type.Union(degradedParts.map((part) => Type.Literal(part))), {
        description: 'What this replica is without and still serves, for a while'
      })
    )
  },
  { title: 'Readiness' }
)

interface Deps {
  readonly readiness: () => Promise<readonly DegradedPart[]>
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
      schema: { tags, security: [], summary: 'Can serve', response: answers({ 200: Readiness }) }
    },
    async () => {
      departure.noteLook()
      if (departure.isAnnounced) throw new AppError('shutting_down')
      try {
        const degraded = await readiness()
        return degraded.length === 0 ? { status: 'ok' } : { status: 'degraded', degraded }
      } catch (err) {
        if (err instanceof AppError) throw err
        throw new AppError('overloaded', {
          detail: 'Not ready',
          note: 'the readiness check failed'
        })
      }
    }
  )
}
