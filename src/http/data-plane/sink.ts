import type { ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
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

/** The raw response as the gateway sees it. */
export function responseSink(
  request: FastifyRequest,
  raw: ServerResponse,
  always: readonly string[]
): ResponseSink {
  const { line } = request
  let isStarted = false
  let length: string | null = null
  return {
    isStarted: () => isStarted,
    head(status, headers) {
      isStarted = true
      if (raw.destroyed) return
      const block = [...always, 'x-request-id', request.id]
      for (const [name, value] of headers) {
        if (ours.has(name)) continue
        if (name === 'content-length') length = value
        block.push(name, value)
      }
      raw.writeHead(status, block)
      // A stream's head goes out at once, not with its first event.
      if (length === null)
        setImmediate(() => line.bytesOut === 0 && !raw.writableEnded && raw.flushHeaders())
    },
    write(chunk) {
      if (raw.destroyed || raw.writableEnded) return false
      const isWhole = line.bytesOut === 0 && length === String(chunk.byteLength)
      line.bytesOut += chunk.byteLength
      if (!isWhole) return raw.write(chunk)
      // Head, body and end in one go; there is nothing more to wait for.
      raw.end(chunk)
      return true
    },
    onDrain(resume) {
      raw.once('drain', resume)
    },
    end() {
      if (!raw.destroyed && !raw.writableEnded) raw.end()
    },
    destroy() {
      raw.destroy()
    }
  }
}
