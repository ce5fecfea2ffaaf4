/**
 * Owns: every connection that leaves this process – host rules, checked and pinned addresses, TLS,
 * pools, deadlines, byte caps. May touch: `base/`, undici, the network.
 * Never: follows a redirect, keeps a cookie, uses a proxy, or lets a foreign error or body travel.
 */
import type { Readable } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { AppError, type ProblemCode } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { StopSignal } from '../base/stop.ts'
import { type Address, type Lookup, lookupAll } from './address-guard.ts'
import { createDialler, portOf, type Target } from './connector.ts'
import { type ControlRequest, type ControlResponse, requestWhole } from './control-plane.ts'
import { DeadlineWatch } from './deadlines.ts'
import { Exchange, type ExchangeInput } from './exchange.ts'
import { createFetch, type FetchLimits, type GuardedFetch } from './fetch.ts'
import { isFinalPath } from './final-path.ts'
import { type HeaderInput, requestHeaders } from './headers.ts'
import { createHostGuard, type HostRule } from './host-guard.ts'
import { createPools } from './pools.ts'
import type { StreamDeadlines, StreamEnd, StreamSink } from './stream.ts'

export type { Address, Lookup } from './address-guard.ts'
export type { ControlRequest, ControlResponse } from './control-plane.ts'
export type { FetchLimits, GuardedFetch } from './fetch.ts'
export type { HeaderInput, HeaderPairs } from './headers.ts'
export type { HostRule } from './host-guard.ts'
export type { StreamControl, StreamDeadlines, StreamEnd, StreamSink } from './stream.ts'

export interface OutboundOptions {
  /** Exact origins that the operator named; only these may be http:, private, or on another port. */
  readonly extraOrigins: readonly string[]
  readonly clock: Clock
  /** Default: the operating system's. */
  readonly lookup?: Lookup
  /** Certificates in PEM form, trusted beside the machine's own. */
  readonly ca?: string | undefined
  /** Sent where the caller gives none. */
  readonly userAgent: string
}

export interface StreamRequest {
  readonly origin: string
  readonly rule: HostRule
  readonly method: string
  /** Path and query, byte for byte as they will be sent. */
  readonly path: string
  readonly headers: HeaderInput
  readonly bearer: Secret
  /** A Readable is sent as it comes, and destroyed where the exchange ends before it does. */
  readonly body: Buffer | Readable | null
  readonly signal: StopSignal
  readonly deadlines: StreamDeadlines
}

export interface Outbound {
  /**
   * The host rule alone, without I/O.
   * @throws AppError `host_not_allowed`
   */
  checkUrl(url: string | URL, rule: HostRule): URL
  /**
   * A control-plane call, its answer whole in memory.
   * @throws AppError `host_not_allowed`, `dns_failed`, `tls_failed`, `workspace_unreachable`,
   *   `upstream_timeout`, `upstream_unavailable` (cut, too long, compressed), `shutting_down`
   */
  request(input: ControlRequest): Promise<ControlResponse>
  /** `request` in the shape of fetch, for a client library that brings its own calls. */
  fetchFor(rule: HostRule, limits?: FetchLimits): GuardedFetch
  readonly probe: {
    /** @throws AppError `host_not_allowed`, `dns_failed` */
    resolve(origin: string, rule: HostRule): Promise<readonly Address[]>
    /** Opens and closes one connection. @throws AppError as `resolve`, and `workspace_unreachable`, `tls_failed` */
    connect(origin: string, rule: HostRule): Promise<void>
  }
  /**
   * A data-plane call, bytes as they are, nothing held back. The signal's abort drops the connection at
   * once, whatever the exchange is at, and resolves as `aborted`.
   * @throws AppError as `request`, and `path_not_allowed`, `overloaded`; `wasNeverSent` tells which of
   *   them leave the request provably unsent
   */
  stream(input: StreamRequest, sink: StreamSink): Promise<StreamEnd>
  /** Refuses new calls and waits for those under way. */
  close(): Promise<void>
  /** Drops everything at once. */
  destroy(): Promise<void>
}

const beforeSending: readonly ProblemCode[] = [
  'host_not_allowed',
  'path_not_allowed',
  'dns_failed',
  'tls_failed',
  'workspace_unreachable',
  'overloaded',
  'shutting_down'
]

const pinnedMax = 10_000

/** Whether a failure of outbound proves that not one byte of the request reached the upstream. */
export function wasNeverSent(err: unknown): boolean {
  return err instanceof AppError && beforeSending.includes(err.code)
}

export function createOutbound(options: OutboundOptions): Outbound {
  const guard = createHostGuard(options.extraOrigins)
  const dialler = createDialler(options.lookup ?? lookupAll, options.ca)
  const pools = createPools(dialler)
  const watch = new DeadlineWatch(options.clock)
  const pinned = new Set<string>()
  let isClosed = false

  function targetOf(origin: string, rule: HostRule): Target {
    const url = guard.checkUrl(origin, rule)
    return {
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(url.protocol, url.port),
      isTrusted: guard.isNamed(url.origin)
    }
  }

  function exchange(
    origin: string,
    input: Omit<ExchangeInput, 'isFull'>,
    sink: StreamSink
  ): Promise<StreamEnd> {
    if (isClosed) return Promise.reject(new AppError('shutting_down'))
    const pool = pools.get(origin, guard.isNamed(origin))
    const isFull = () => pools.isFull(origin)
    return new Exchange({ ...input, isFull }, sink, options.clock, watch).run(pool)
  }

  /** A pinned origin is checked once, not on every call. */
  function checkOrigin(origin: string, rule: HostRule): string {
    const isPinned = rule.kind === 'origin' && rule.origin === origin
    if (isPinned && pinned.has(origin)) return origin
    const url = guard.checkUrl(origin, rule)
    if (pinned.size >= pinnedMax) pinned.clear()
    if (isPinned && url.origin === origin) pinned.add(origin)
    return url.origin
  }

  async function stream(input: StreamRequest, sink: StreamSink): Promise<StreamEnd> {
    const origin = checkOrigin(input.origin, input.rule)
    if (!isFinalPath(origin, input.path)) {
      throw new AppError('path_not_allowed', { note: 'the path is not in its final form' })
    }
    const isWhole = input.body === null || Buffer.isBuffer(input.body)
    const headers = requestHeaders(input.headers, {
      bearer: input.bearer,
      userAgent: options.userAgent,
      dropped: isWhole ? ['content-length'] : []
    })
    const { method, path, body, signal, deadlines } = input
    return exchange(origin, { method, path, headers, body, signal, deadlines }, sink)
  }

  const control = { guard, exchange, clock: options.clock, userAgent: options.userAgent }
  const request = (input: ControlRequest) => requestWhole(control, input)

  return {
    checkUrl: guard.checkUrl,
    request,
    fetchFor: (rule, limits = {}) => createFetch(request, rule, limits),
    probe: {
      resolve: async (origin, rule) => dialler.resolve(targetOf(origin, rule)),
      async connect(origin, rule) {
        const socket = await dialler.open(targetOf(origin, rule))
        socket.destroy()
      }
    },
    stream,
    async close() {
      isClosed = true
      await pools.close()
    },
    async destroy() {
      isClosed = true
      await pools.destroy()
    }
  }
}
