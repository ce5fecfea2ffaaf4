import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../base/errors.ts'
import type { Identity } from '../identity/identity.ts'
import { goneSignal } from './gone-signal.ts'
import { Type } from './json-schema.ts'
import { credentialsOf } from './plugins/access.ts'
import type { ProblemWriter } from './plugins/problem.ts'
import { PageOf } from './route.ts'
import { AuditEvent, type AuditQuery, type AuditReader } from './schemas/audit.ts'

const mediaType = 'application/x-ndjson'
/** All of the record that is in memory for one export, whatever its length. */
const pageSize = 200

export const exportDescription =
  `With \`accept: ${mediaType}\` all that the filters find, a record a line, as long as it was when the answer ` +
  'began. The last line is `{"end": {"count", "head", "truncated", "nextCursor", "problem"}}`: the signed head of the ' +
  'whole record, and whether something is missing – because of `limit`, or of a problem –, which `nextCursor` goes on ' +
  'with. An answer without that line was cut off.'

/** The record in both of its forms. */
export const exportAnswer = {
  200: {
    description: 'A page of it, or all of it',
    content: {
      'application/json': { schema: PageOf(AuditEvent) },
      [mediaType]: { schema: Type.String() }
    }
  }
}

export function prefersLines({ headers }: FastifyRequest): boolean {
  return /(^|,)\s*application\/x-ndjson\b/i.test(headers.accept ?? '')
}

export type AuditFilter = Omit<AuditQuery, 'limit'> & { readonly limit: number | undefined }
export type ExportAudit = (
  request: FastifyRequest,
  reply: FastifyReply,
  query: AuditFilter
) => Promise<FastifyReply>

/** The record as one JSON object a line, read a page at a time, no faster than it is taken. */
export function createAuditExport(deps: {
  readonly audit: Pick<AuditReader, 'list' | 'head'>
  readonly identity: Pick<Identity, 'authenticate' | 'openCalls'>
  readonly problems: Pick<ProblemWriter, 'note' | 'bodyOf'>
}): ExportAudit {
  const { audit, identity, problems } = deps
  return async (request, reply, { limit = Infinity, cursor, ...filters }) => {
    const { scope } = request
    const ask = async () => {
      const now = await identity.authenticate(credentialsOf(request))
      if (!now.scope.authority.may('audit.list')) throw new AppError('forbidden')
    }
    const read = (before: string, left: number) =>
      audit.list(scope, { ...filters, cursor: before, limit: Math.min(pageSize, left) })
    // What is recorded from now on, such as calls meanwhile, is the next export's.
    const head = await audit.head(scope)
    const first = await read(cursor ?? String(head.seq + 1), limit)
    const signal = goneSignal(reply.raw, (end) => identity.openCalls.open(scope, ask, end))

    async function* lines(): AsyncGenerator<string> {
      let { items, nextCursor } = first
      let count = 0
      let problem: object | null = null
      try {
        for (;;) {
          yield items.map(lineOf).join('')
          count += items.length
          if (nextCursor === null || count >= limit) break
          signal.throwIfAborted()
          const page = await read(nextCursor, limit - count)
          items = page.items
          nextCursor = page.nextCursor
        }
      } catch (err) {
        problem = problems.bodyOf(problems.note(request, err), request.id, request.publicUrl)
      }
      const end = { count, head, truncated: nextCursor !== null, nextCursor, problem }
      yield lineOf({ end })
    }

    reply.type(`${mediaType}; charset=utf-8`)
    return reply.send(Readable.from(lines(), { objectMode: false }))
  }
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`
}
