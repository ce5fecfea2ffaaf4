import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Fabrics, TestResult, TestStepResult } from '../../fabrics/fabrics.ts'
import type { Identity } from '../../identity/identity.ts'
import { type EventStreams, prefersEvents } from '../event-stream.ts'
import { endOf, goneSignal } from '../gone-signal.ts'
import { credentialsOf } from '../plugins/access.ts'
import { type App, answers, IdOfKind, Strict } from '../route.ts'
import {
  newFabric,
  TestBody,
  TestResult as TestResultSchema,
  UnsavedTestBody
} from '../schemas/fabric.ts'

const tags = ['connection tests']
const description =
  'With `accept: text/event-stream` each step comes as it ends: `event: step`, then `event: result`.'
const success = {
  200: {
    description: 'The steps and whether all held',
    content: {
      'application/json': { schema: TestResultSchema },
      'text/event-stream': { schema: Type.String() }
    }
  }
}
const response = { ...answers({}), ...success }

type Run = (onStep: (step: TestStepResult) => void, signal: AbortSignal) => Promise<TestResult>

export function connectionTestRoutes(
  app: App,
  { fabrics, events, identity }: { fabrics: Fabrics; events: EventStreams; identity: Identity }
): void {
  app.post(
    '/api/v1/fabrics/:fabricId/test-connection',
    {
      config: { access: 'caller', operation: 'fabric.test' },
      schema: {
        tags,
        summary: 'Test the connection of a fabric',
        description,
        operationId: 'fabricTest',
        params: Strict({ fabricId: IdOfKind('fabric') }),
        body: TestBody,
        response
      }
    },
    (request, reply) => {
      const { scope, params, body } = request
      return answer(request, reply, (onStep, signal) =>
        fabrics.testConnection(scope, params.fabricId, body.as, onStep, signal)
      )
    }
  )

  app.post(
    '/api/v1/fabrics/test-connection',
    {
      config: { access: 'caller', operation: 'fabric.test' },
      schema: {
        tags,
        summary: 'Test the connection of a fabric before saving it',
        description,
        operationId: 'fabricTestUnsaved',
        body: UnsavedTestBody,
        response
      }
    },
    (request, reply) => {
      const { as, ...input } = request.body
      return answer(request, reply, (onStep, signal) =>
        fabrics.testUnsaved(request.scope, newFabric(input), as, onStep, signal)
      )
    }
  )

  async function answer(request: FastifyRequest, reply: FastifyReply, run: Run) {
    const recheck = () => identity.authenticate(credentialsOf(request))
    const signal = goneSignal(reply.raw, (end) =>
      identity.openCalls.open(request.scope, recheck, end)
    )
    if (!prefersEvents(request)) {
      reply.type('application/json')
      return run(() => {}, signal)
    }
    const stream = events.open(request, reply)
    try {
      const result = await run((step) => stream.send('step', step), signal)
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
