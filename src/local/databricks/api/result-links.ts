import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WorkspaceDeps } from './answer.ts'

/** Presigned links to the chunks of results, as cloud storage hands them out. */
export interface ResultLinks {
  issue(
    statementId: string,
    chunk: number
  ): { readonly external_link: string; readonly expiration: string }
  /** Answers a call below `storagePath`; `read` gives the bytes of a chunk. */
  answer(
    req: IncomingMessage,
    res: ServerResponse,
    read: (statementId: string, chunk: number) => Buffer | undefined
  ): void
}

export const storagePath = '/storage/results/'

const ttlSeconds = 900

export function createResultLinks({ origin, clock }: WorkspaceDeps): ResultLinks {
  const key = randomBytes(32)
  const sign = (path: string, issued: string) =>
    createHmac('sha256', key).update(`${path}\n${issued}`).digest('hex')
  return {
    issue(statementId, chunk) {
      const url = new URL(`${storagePath}${statementId}/${chunk}`, origin)
      const issued = String(Math.floor(clock.now().getTime() / 1000))
      url.searchParams.set('X-Databricks-TTL', String(ttlSeconds))
      url.searchParams.set('X-Databricks-Issued', issued)
      url.searchParams.set('X-Databricks-Signature', sign(url.pathname, issued))
      const expiration = new Date((Number(issued) + ttlSeconds) * 1000).toISOString()
      return { external_link: url.href, expiration }
    },
    answer(req, res, read) {
      const url = new URL(req.url ?? '/', origin)
      if (req.headers.authorization !== undefined) {
        const message = 'Only one auth mechanism allowed: the link is signed already.'
        return refuse(res, 400, 'InvalidArgument', message)
      }
      const issued = url.searchParams.get('X-Databricks-Issued') ?? ''
      const given = Buffer.from(url.searchParams.get('X-Databricks-Signature') ?? '')
      const right = Buffer.from(sign(url.pathname, issued))
      if (given.length !== right.length || !timingSafeEqual(given, right)) {
        return refuse(res, 403, 'SignatureDoesNotMatch', 'The signature does not match.')
      }
      if (clock.now().getTime() / 1000 >= Number(issued) + ttlSeconds) {
        return refuse(res, 403, 'AccessDenied', 'Request has expired')
      }
      const [statementId = '', chunk] = url.pathname.slice(storagePath.length).split('/')
      const bytes = read(statementId, Number(chunk))
      if (!bytes) return refuse(res, 404, 'NoSuchKey', 'The specified key does not exist.')
      res.writeHead(200, {
        'content-type': 'application/octet-stream',
        'content-length': bytes.length
      })
      res.end(req.method === 'HEAD' ? undefined : bytes)
    }
  }
}

function refuse(res: ServerResponse, status: number, code: string, message: string): void {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  res.writeHead(status, { 'content-type': 'application/xml' }).end(xml)
}
