import type { AuditBuffer } from '../audit/audit-buffer.ts'
import type { Clock } from '../base/clock.ts'
import { plusMs } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import type { FabricAccess, OpenFabric } from '../fabrics/fabric-access.ts'
import type { HeaderPairs, Outbound, StreamDeadlines, StreamEnd } from '../outbound/outbound.ts'
import { leastLifeMs } from '../vault/token-state.ts'
import type { AccessToken } from '../vault/vault.ts'
import { AnswerRelay } from './answer-relay.ts'
import type { ActAs, Gateway, GatewayCall, GatewayOutcome, GatewaySink } from './gateway.ts'
import { kinds } from './kinds/index.ts'
import type { Ask, EndpointKind } from './kinds/kind.ts'
import { requestHeadersOf } from './request-headers.ts'
import { upstreamPathOf } from './upstream-path.ts'

export interface GatewayDeps {
  readonly access: FabricAccess
  readonly outbound: Outbound
  readonly records: AuditBuffer
  readonly clock: Clock
}

const deadlines: StreamDeadlines = {
  connectMs: 5_000,
  firstByteMs: 300_000,
  idleMs: 120_000,
  totalMs: 3_600_000
}

/** What is known of a call by the time it ends, however it ends. */
interface Course {
  readonly startedMs: number
  readonly kind: EndpointKind
  fabric: OpenFabric | null
  endpoint: string | null
  token: AccessToken | null
  upstreamMs: number | null
  status: number | null
  /** What cut an answer that was under way already. */
  cut: AppError | null
}

/**
 * The one way of every call, whatever its kind: kind → fabric and identity → policy → token → upstream →
 * record. A kind only says what is asked, so it cannot forget a step.
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const { access, outbound, records, clock } = deps

  async function walk(call: GatewayCall, sink: GatewaySink, course: Course): Promise<void> {
    const match = course.kind.path.exec(call.path)
    if (match === null) throw new AppError('path_not_allowed')
    const fabric = await access.open(call.scope, call.fabricId, readActAs(call))
    course.fabric = fabric
    const ask = await course.kind.ask(fabric.provider, match, call.body)
    course.endpoint = ask.endpoint
    if (fabric.endpoints !== null && !fabric.endpoints.has(ask.endpoint)) {
      throw new AppError('endpoint_not_allowed')
    }
    course.token = await access.token(call.scope, fabric, leastLifeMs)
    if (call.signal.aborted) return
    const isAlive = await send(call, sink, course, fabric, ask, course.token)
    if (isAlive) return
    course.token = await renew(call, fabric, course.token)
    if (ask.body !== null && !Buffer.isBuffer(ask.body)) throw sendAgain(clock.now())
    if (await send(call, sink, course, fabric, ask, course.token)) return
    throw refusedToken(fabric.identity)
  }

  /** @returns false when the workspace says that the token is dead; nothing has reached the client then */
  async function send(
    call: GatewayCall,
    sink: GatewaySink,
    course: Course,
    fabric: OpenFabric,
    ask: Ask,
    token: AccessToken
  ): Promise<boolean> {
    const sentMs = clock.monotonicMs()
    const relay = new AnswerRelay(sink, () => ownHeaders(course, fabric, sentMs))
    const end = await outbound
      .stream(
        {
          origin: fabric.workspaceOrigin,
          rule: { kind: 'origin', origin: fabric.workspaceOrigin },
          method: call.method,
          path: upstreamPathOf(fabric, ask, call.query),
          headers: requestHeadersOf(call),
          bearer: token.token,
          body: ask.body,
          signal: call.signal,
          deadlines
        },
        relay
      )
      .catch((error: unknown) => {
        if (!relay.isPassing) throw error
        sink.destroy()
        course.cut = appErrorOf(error)
        return null
      })
    course.upstreamMs = clock.monotonicMs() - sentMs
    course.status = relay.status
    if (end === null || end.outcome === 'aborted') return true
    if (isDead(fabric, relay, end)) return false
    relay.release(end)
    sink.end()
    return true
  }

  function ownHeaders(course: Course, fabric: OpenFabric, sentMs: number): HeaderPairs {
    const now = clock.monotonicMs()
    const timing = [
      `weft;dur=${(sentMs - course.startedMs).toFixed(1)}`,
      `upstream;dur=${(now - sentMs).toFixed(1)}`,
      `token;desc=${course.token?.source ?? 'cached'}`
    ]
    return [
      ['x-weft-identity', fabric.identity],
      ['x-weft-fabric', fabric.id],
      ['server-timing', timing.join(', ')]
    ]
  }

  /** One forced refresh, joined by every call that meets the same dead token. */
  async function renew(
    call: GatewayCall,
    fabric: OpenFabric,
    token: AccessToken
  ): Promise<AccessToken> {
    const rejectedGeneration = token.generation
    return await access.token(call.scope, fabric, leastLifeMs, { rejectedGeneration })
  }

  function record(call: GatewayCall, course: Course, error: AppError | null): void {
    records.add(call.scope, {
      action: 'endpoint.query',
      object: ['endpoint', course.endpoint ?? 'unknown'],
      ...(course.fabric === null ? {} : { fabricId: call.fabricId }),
      outcome: outcomeOf(course, error),
      ...(error === null ? {} : { code: error.code }),
      details: {
        operation: course.kind.operation,
        identity: course.fabric?.identity ?? null,
        keyId: call.keyId,
        generation: course.token?.generation ?? null,
        upstreamStatus: course.status
      }
    })
  }

  return {
    async handle(call, sink): Promise<GatewayOutcome> {
      const kind = kinds.find(({ method, path }) => method === call.method && path.test(call.path))
      if (kind === undefined) throw new AppError('path_not_allowed')
      const course: Course = {
        startedMs: clock.monotonicMs(),
        kind,
        fabric: null,
        endpoint: null,
        token: null,
        upstreamMs: null,
        status: null,
        cut: null
      }
      try {
        await walk(call, sink, course)
        record(call, course, course.cut)
      } catch (error) {
        record(call, course, appErrorOf(error))
        throw error
      }
      return {
        operation: kind.operation,
        fabricId: call.fabricId,
        identity: course.fabric?.identity ?? null,
        tokenSource: course.token?.source ?? null,
        upstreamMs: course.upstreamMs,
        upstreamStatus: course.status,
        code: course.cut?.code ?? null
      }
    }
  }
}

function readActAs(call: GatewayCall): ActAs | null {
  const value = call.headers['x-weft-act-as']
  if (value === undefined) return null
  if (value === 'user' || value === 'service_principal') return value
  throw invalidRequest('/headers/x-weft-act-as', 'must be user or service_principal')
}

function isDead(fabric: OpenFabric, relay: AnswerRelay, end: StreamEnd): boolean {
  if (end.collected === null || relay.status === null) return false
  return fabric.provider.isDeadTokenAnswer(relay.status, relay.textOf(end))
}

/** The workspace refuses even a fresh token: its own 401 and 403 never leave Weft as such. */
function refusedToken(identity: ActAs): AppError {
  const detail = 'The workspace refused a fresh access token'
  return new AppError(identity === 'user' ? 'sign_in_needed' : 'service_principal_refused', {
    detail
  })
}

function sendAgain(now: Date): AppError {
  return new AppError('overloaded', {
    detail: 'The token was renewed while a large body was under way; send it again',
    retryAt: plusMs(now, 1_000)
  })
}

function appErrorOf(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal')
}

function outcomeOf(course: Course, error: AppError | null): 'succeeded' | 'refused' | 'failed' {
  if (error !== null) return course.status === null && error.status < 500 ? 'refused' : 'failed'
  return course.status !== null && course.status < 400 ? 'succeeded' : 'failed'
}
