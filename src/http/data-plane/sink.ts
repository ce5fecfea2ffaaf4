import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GatewaySink } from '../../gateway/gateway.ts'

/** What belongs to this origin and this connection: nothing from upstream speaks for them. */
const ours = new Set([
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'access-control-max-age',
  'alt-svc',
  'cache-control',
  'clear-site-data',
  'connection',
  'content-security-policy',
  'content-security-policy-report-only',
  'cross-origin-embedder-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'keep-alive',
  'link',
  'nel',
  'proxy-authenticate',
  'referrer-policy',
  'refresh',
  'report-to',
  'reporting-endpoints',
  'server',
  'service-worker-allowed',
  'set-cookie',
  'strict-transport-security',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
  'x-content-type-options',
  'x-powered-by',
  'x-request-id',
  'x-weft-problem'
])

export interface ResponseSink extends GatewaySink {
  /** Whether the head is out, so that an error can no longer be an answer of its own. */
  isStarted(): boolean
}

/** The raw response as the gateway sees it; Fastify lets go of it with the head. */
export function responseSink(
  request: FastifyRequest,
  reply: FastifyReply,
  always: readonly string[]
): ResponseSink {
  const { raw } = reply
  const { line } = request
  let isStarted = false
  return {
    isStarted: () => isStarted,
    head(status, headers) {
      isStarted = true
      reply.hijack()
      if (raw.destroyed) return
      const block = [...always, 'x-request-id', request.id]
      let hasLength = false
      for (const [name, value] of headers) {
        const lower = name.toLowerCase()
        if (ours.has(lower)) continue
        if (lower === 'content-length') hasLength = true
        block.push(name, value)
      }
      raw.writeHead(status, block)
      // A stream's head goes out at once, not with its first event.
      if (!hasLength)
        setImmediate(() => line.bytesOut === 0 && !raw.writableEnded && raw.flushHeaders())
    },
    write(chunk) {
      if (raw.destroyed || raw.writableEnded) return false
      line.bytesOut += chunk.byteLength
      return raw.write(chunk)
    },
    onDrain(resume) {
      raw.once('drain', resume)
    },
    end() {
      if (!raw.destroyed) raw.end()
    },
    destroy() {
      raw.destroy()
    }
  }
}
