/**
 * A program: `@fastify/reply-from` as its README shows it, bodies streamed; another Authorization, and nothing
 * else. Its arguments are the upstream's origin and the file that `--rivals` fetched; it tells its port.
 */
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import { type FastifyPluginCallback, type FastifyReply, fastify } from 'fastify'

type Headers = Readonly<Record<string, unknown>>
interface FromOptions {
  rewriteRequestHeaders(request: unknown, headers: Headers): Headers
}
type Forwarding = FastifyReply & { from(path: string, options: FromOptions): FastifyReply }

const [, , base = '', file = ''] = process.argv
// Its types are not there where it was not fetched.
const { default: replyFrom } = (await import(pathToFileURL(file).href)) as {
  default: FastifyPluginCallback<{ base: string; undici: object }>
}

const authorization = `Bearer ${'a'.repeat(800)}`
const app = fastify({ keepAliveTimeout: 300_000, bodyLimit: 32 * 1024 * 1024 })

await app.register(replyFrom, {
  base,
  undici: { connections: 1_024, pipelining: 1 }
})
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
app.all('/*', (request, reply) =>
  (reply as Forwarding).from(request.url, {
    rewriteRequestHeaders: (_request, headers) => ({ ...headers, authorization })
  })
)
await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.({ port: (app.server.address() as AddressInfo).port })
process.once('disconnect', () => process.exit())
