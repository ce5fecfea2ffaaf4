import type { Readable } from 'node:stream'
import { type TraceContext, traceparentOf } from '../base/trace.ts'
import type { GatewayCall } from './gateway.ts'

/** Headers of a call that reach the workspace; no credential, no routing, no cookie is among them. */
const passedHeaders = [
  'accept',
  'accept-encoding',
  'accept-language',
  'content-encoding',
  'content-type',
  'idempotency-key',
  'user-agent'
] as const

/**
 * As names and values in turn; a repeated header is left out, since its meaning would be a guess.
 * @param body as it will be sent; one that flows keeps the length that its client announced
 * @param trace what the workspace is told of the trace that the call belongs to
 */
export function requestHeadersOf(
  { headers }: Pick<GatewayCall, 'headers'>,
  body: Buffer | Readable | null,
  trace: TraceContext | null
): string[] {
  const block: string[] = []
  for (const name of passedHeaders) {
    const value = headers[name]
    if (typeof value === 'string') block.push(name, value)
  }
  const length = headers['content-length']
  if (typeof length === 'string' && body !== null && !Buffer.isBuffer(body)) {
    block.push('content-length', length)
  }
  if (trace !== null) block.push('traceparent', traceparentOf(trace))
  if (trace !== null && trace.state !== null) block.push('tracestate', trace.state)
  return block
}
