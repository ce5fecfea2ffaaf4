import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProblemWriter } from './plugins/problem.ts'
import type { SecurityHeaders } from './plugins/security-headers.ts'

/** Server-sent events (HTML Standard §9.2). The head goes out with the first event. */
export interface EventStream {
  send(event: string, data: unknown): void
  /** Ends with `event: problem`. */
  fail(err: unknown): void
  /** Whether the head is out, so that an error can no longer be an answer of its own. */
  isOpen(): boolean
  end(): void
}

export interface EventStreams {
  open(request: FastifyRequest, reply: FastifyReply): EventStream
}

export function prefersEvents(request: FastifyRequest): boolean {
  return /(^|,)\s*text\/event-stream\b/i.test(request.headers.accept ?? '')
}

export function eventStreams(problems: ProblemWriter, headersOf: SecurityHeaders): EventStreams {
  return {
    open(request, reply) {
      const { raw } = reply
      const send = (event: string, data: unknown) => {
        if (!reply.sent) {
          reply.hijack()
          raw.writeHead(200, {
            ...headersOf('api'),
            'x-request-id': request.id,
            'content-type': 'text/event-stream; charset=utf-8'
          })
        }
        if (!raw.writableEnded && !raw.destroyed) {
          raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
        }
      }
      return {
        send,
        fail: (err) => send('problem', problems.bodyOf(problems.note(request, err), request.id)),
        isOpen: () => raw.headersSent,
        end: () => raw.end()
      }
    }
  }
}
