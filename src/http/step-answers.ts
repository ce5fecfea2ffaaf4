import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Identity } from '../identity/identity.ts'
import { type EventStreams, prefersEvents } from './event-stream.ts'
import { endOf, goneSignal } from './gone-signal.ts'
import { Type } from './json-schema.ts'
import { credentialsOf } from './plugins/access.ts'

export const stepsDescription =
  'With `accept: text/event-stream` each step comes as it ends: `event: step`, then `event: result`. ' +
  'Between them, `event: progress` may tell what a step that takes long is at.'

/** The success of a route that does one step after the other, in both of its forms. */
export function stepsAnswer<T extends TSchema>(schema: T) {
  return {
    200: {
      description: 'The steps and whether all held',
      content: {
        'application/json': { schema },
        'text/event-stream': { schema: Type.String() }
      }
    }
  }
}

type Tell = (told: object) => void
type Run<Result> = (onStep: Tell, signal: AbortSignal, onProgress: Tell) => Promise<Result>
/** What the same call would be refused with if it came now. */
type Recheck = (scope: TenantScope) => Promise<unknown>

/** Answers whole, or step by step as events, whichever the client prefers; who leaves ends the work. */
export type AnswerSteps = <Result extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  run: Run<Result>,
  recheck?: Recheck
) => Promise<Result | FastifyReply>

export function createStepAnswers(events: EventStreams, identity: Identity): AnswerSteps {
  return async (request, reply, run, recheck) => {
    const ask = async () => {
      const { scope } = await identity.authenticate(credentialsOf(request))
      await recheck?.(scope)
    }
    const signal = goneSignal(reply.raw, (end) => identity.openCalls.open(request.scope, ask, end))
    if (!prefersEvents(request)) {
      reply.type('application/json')
      return await run(ignore, signal, ignore)
    }
    const stream = events.open(request, reply)
    try {
      const tell = (event: string) => (told: object) => stream.send(event, told)
      const result = await run(tell('step'), signal, tell('progress'))
      stream.send('result', result)
    } catch (err) {
      const cause = endOf(signal) ?? err
      if (!stream.isOpen()) throw cause
      stream.fail(cause)
    }
    stream.end()
    return reply
  }
}

function ignore(): void {}
