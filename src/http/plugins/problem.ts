import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import { AppError, type ProblemCode, problemCatalogue } from '../../base/errors.ts'
import { problemPage } from '../pages/document.ts'
import type { PublicUrl } from '../public-url.ts'
import { type App, surfaceOf } from '../route.ts'
import { workspaceProblem } from '../workspace-problem.ts'
import { type SecurityHeaders, secure } from './security-headers.ts'

/** A problem whose HTTP status is narrower than its code's: 414, 415, 421. */
export class WireProblem extends AppError {
  readonly wireStatus: number

  constructor(wireStatus: number, detail: string) {
    super('invalid_request', { detail })
    this.wireStatus = wireStatus
  }

  override get status(): number {
    return this.wireStatus
  }
}

/** Fastify's own errors that are the caller's. */
const framework: Readonly<Record<string, () => AppError>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: () => badBody('is not valid JSON'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => badBody('is empty'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => badBody('differs from its Content-Length'),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new AppError('body_too_large'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new WireProblem(415, 'This Content-Type is not served'),
  FST_ERR_BAD_URL: () => new AppError('invalid_request', { detail: 'The path is not valid' }),
  FST_ERR_MAX_PARAM_LENGTH: () => new WireProblem(414, 'A part of the path is too long')
}

function badBody(message: string): AppError {
  return new AppError('invalid_request', { errors: [{ pointer: '', message }] })
}

function problemOf(err: unknown): AppError {
  if (err instanceof AppError) return err
  const code = err instanceof Error && 'code' in err ? err.code : undefined
  return (typeof code === 'string' ? framework[code]?.() : undefined) ?? new AppError('internal')
}

/** Name and first frame of an error that nobody foresaw: its message may hold anything. */
function faultOf(err: unknown): string {
  if (!(err instanceof Error)) return typeof err
  const frame = /^ {4}at .*$/m.exec(err.stack ?? '')?.[0] ?? ''
  const place = /(src|node_modules)\/[\w@./-]+:\d+/.exec(frame)?.[0]
  const name = /^[A-Za-z]{1,40}$/.test(err.name) ? err.name : 'Error'
  return place === undefined ? name : `${name} at ${place}`
}

export interface ProblemWriter {
  /** The members of a problem body (RFC 9457 §3.1), with links of the public URL that the request came by. */
  bodyOf(
    error: AppError,
    requestId: string,
    publicUrl?: PublicUrl
  ): Readonly<Record<string, unknown>>
  /** The same for an answer that is under way: what it was, translated and noted for the log. */
  note(request: FastifyRequest, err: unknown): AppError
  /** The value of `Retry-After`, in seconds; null: it is not known when to try again. */
  retryAfterOf(error: AppError): string | null
  /** For errors that come before Fastify has a request with hooks. */
  early(err: FastifyError, request: FastifyRequest, reply: FastifyReply): void
  /** For bytes that were no HTTP request. */
  refuse(err: Error & { readonly code?: string }, socket: Socket): void
}

interface Deps {
  readonly publicUrl: PublicUrl
  readonly clock: Clock
  readonly headersOf: SecurityHeaders
  readonly newRequestId: () => string
}

/** The only place that knows how an error becomes an answer. */
export function problemWriter({
  publicUrl: first,
  clock,
  headersOf,
  newRequestId
}: Deps): ProblemWriter & {
  send(request: FastifyRequest, reply: FastifyReply, err: unknown): FastifyReply
} {
  function bodyOf(error: AppError, requestId: string, publicUrl = first) {
    const { code, status, owner, detail, errors, retryAt, actionUrl } = error
    return {
      type: publicUrl.at(`/problems/${code}`),
      title: titleOf(code),
      status,
      ...(detail !== undefined && { detail }),
      instance: `urn:weft:request:${requestId}`,
      code,
      owner,
      ...(errors !== undefined && { errors }),
      ...(retryAt !== undefined && { retryAt: retryAt.toISOString() }),
      ...(actionUrl !== undefined && {
        actionUrl: actionUrl.startsWith('/') ? publicUrl.at(actionUrl) : actionUrl
      })
    }
  }

  function note(request: FastifyRequest, err: unknown): AppError {
    const error = problemOf(err)
    if (request.line) {
      request.line.code = error.code
      request.line.note = error.note ?? null
      if (!(err instanceof AppError) && error.code === 'internal') request.line.fault = faultOf(err)
    }
    return error
  }

  function retryAfterOf({ retryAt }: AppError): string | null {
    return retryAt === undefined ? null : secondsUntil(retryAt, clock)
  }

  function send(request: FastifyRequest, reply: FastifyReply, err: unknown): FastifyReply {
    const error = note(request, err)
    const surface = surfaceOf(request)
    const body = bodyOf(error, request.id, request.publicUrl)
    reply.code(error.status).removeHeader('etag')
    const retryAfter = retryAfterOf(error)
    if (retryAfter !== null) reply.header('retry-after', retryAfter)
    if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="weft"')
    if (error.code === 'body_too_large') reply.header('connection', 'close')
    if (surface === 'page') {
      reply.type('text/html; charset=utf-8')
      return reply.send(problemPage(request.publicUrl, error, request.id))
    }
    reply.type('application/problem+json')
    if (surface === 'api') return reply.send(JSON.stringify(body))
    const { headers, members } = workspaceProblem(request.raw.url ?? '', error)
    return reply.headers(headers).send(JSON.stringify({ ...body, ...members }))
  }

  return {
    bodyOf,
    note,
    retryAfterOf,
    send,
    early(err, request, reply) {
      reply.header('x-request-id', request.id)
      secure(reply, headersOf('api'))
      send(request, reply, err)
    },
    refuse(err, socket) {
      if (!socket.writable || err.code === 'ECONNRESET') return void socket.destroy()
      const requestId = newRequestId()
      const [status, detail] = wireFaults[err.code ?? ''] ?? [400, 'This is not valid HTTP']
      const error = new WireProblem(status, detail)
      const body = JSON.stringify(bodyOf(error, requestId))
      const headers = {
        ...headersOf('api'),
        'x-request-id': requestId,
        'content-type': 'application/problem+json',
        'content-length': String(Buffer.byteLength(body)),
        connection: 'close'
      }
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.end(
        `HTTP/1.1 ${status} ${reasons[status] ?? 'Bad Request'}\r\n${lines.join('')}\r\n${body}`
      )
    }
  }
}

const wireFaults: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
  HPE_HEADER_OVERFLOW: [431, 'The header is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too large']
}
const reasons: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large'
}

function titleOf(code: ProblemCode): string {
  return problemCatalogue[code].title
}

function secondsUntil(at: Date, clock: Clock): string {
  return String(Math.max(1, Math.ceil((at.getTime() - clock.now().getTime()) / 1000)))
}

export function installProblems(app: App, writer: ReturnType<typeof problemWriter>): void {
  app.setErrorHandler((err, request, reply) => writer.send(request, reply, err))
  app.setNotFoundHandler((request, reply) => {
    const code = surfaceOf(request) === 'data' ? 'path_not_allowed' : 'not_found'
    return writer.send(request, reply, new AppError(code))
  })
}
