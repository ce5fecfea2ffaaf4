import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../base/errors.ts'
import { Type } from '../json-schema.ts'
import { type ConsoleFile, codingOf, readConsole } from '../pages/console-files.ts'
import { textPage } from '../pages/document.ts'
import { pagePolicy } from '../plugins/security-headers.ts'
import { type App, Strict } from '../route.ts'

const page = { access: 'public', operation: 'page.get', surface: 'page' } as const
const method = ['GET', 'HEAD']

/** Paths that the pages could have: nothing that a proxy might read as another path. */
const plainPath = /^([\w-]+(\/[\w-]+)*)?$/

function sendFile(request: FastifyRequest, reply: FastifyReply, file: ConsoleFile): FastifyReply {
  reply
    .header('cache-control', 'public, max-age=31536000, immutable')
    .header('etag', file.etag)
    .header('vary', 'accept-encoding')
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
  const coding = codingOf(request.headers['accept-encoding'], file)
  if (coding !== null) reply.header('content-encoding', coding)
  return reply.type(file.type).send(coding === null ? file.plain : file.coded.get(coding))
}

/** The web pages: one document for every path, and the files that it names, which never change. */
export function consoleRoutes(
  app: App,
  { fabricDomain }: { readonly fabricDomain: string | null }
): void {
  const built = readConsole(fabricDomain)

  const sendPage = ({ publicUrl }: FastifyRequest, reply: FastifyReply) => {
    reply.type('text/html; charset=utf-8')
    if (built === null) {
      const lines = ['Every npm script builds them; the image brings them along.']
      return reply.code(503).send(textPage(publicUrl, 'The web pages are not built', lines))
    }
    const nonce = randomBytes(18).toString('base64url')
    reply.header('content-security-policy', pagePolicy(nonce))
    return reply.send(built.page(nonce, publicUrl))
  }

  app.route({
    method,
    url: '/console',
    config: page,
    schema: { hide: true },
    handler: (request, reply) => sendPage(request, reply)
  })

  app.route({
    method,
    url: '/console/*',
    config: page,
    schema: { hide: true, params: Strict({ '*': Type.String() }) },
    handler: (request, reply) => {
      const path = request.params['*']
      const file = built?.files.get(path)
      if (file) return sendFile(request, reply, file)
      if (path.startsWith('assets/') || !plainPath.test(path)) throw new AppError('not_found')
      return sendPage(request, reply)
    }
  })
}
