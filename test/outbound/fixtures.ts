import { systemClock } from '../../src/base/clock.ts'
import { AppError, type ProblemCode } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  createOutbound,
  type HostRule,
  type Lookup,
  type Outbound,
  type StreamDeadlines,
  type StreamEnd,
  type StreamRequest,
  type StreamSink
} from '../../src/outbound/outbound.ts'
import { testCa } from '../support/tls/certificates.ts'

export const canary = 'canary-bearer-5f2a'
export const anywhere: HostRule = { kind: 'public' }
export const toLoopback: Lookup = async () => [{ address: '127.0.0.1', family: 4 }]

export function outboundTo(extraOrigins: readonly string[], lookup: Lookup = toLoopback): Outbound {
  return createOutbound({
    extraOrigins,
    clock: systemClock(),
    lookup,
    ca: testCa,
    userAgent: 'weft-test/1'
  })
}

/** The code of the AppError that the work ends in; its note, detail and stack hold no secret. */
export async function failure(work: Promise<unknown>): Promise<AppError> {
  try {
    await work
  } catch (err) {
    if (!(err instanceof AppError)) throw err
    return err
  }
  throw new TypeError('it did not fail')
}

export async function failureCode(work: Promise<unknown>): Promise<ProblemCode> {
  return (await failure(work)).code
}

export const deadlines: StreamDeadlines = {
  connectMs: 5_000,
  firstByteMs: 5_000,
  idleMs: 5_000,
  totalMs: 15_000
}

export interface Heard {
  status: number
  headers: Record<string, string>
  readonly chunks: string[]
}

/** A stream whose reader writes down what it hears. */
export function listen(
  outbound: Outbound,
  origin: string,
  request: Partial<StreamRequest> = {},
  sink: Partial<StreamSink> = {}
): { readonly heard: Heard; readonly end: Promise<StreamEnd> } {
  const heard: Heard = { status: 0, headers: {}, chunks: [] }
  const end = outbound.stream(
    {
      origin,
      rule: { kind: 'origin', origin },
      method: 'GET',
      path: '/',
      headers: [],
      bearer: new Secret(canary),
      body: null,
      signal: new AbortController().signal,
      deadlines,
      ...request
    },
    {
      onHead(status, headers) {
        heard.status = status
        heard.headers = Object.fromEntries(headers)
        return 'stream'
      },
      onData(chunk) {
        heard.chunks.push(chunk.toString())
        return true
      },
      ...sink
    }
  )
  return { heard, end }
}
