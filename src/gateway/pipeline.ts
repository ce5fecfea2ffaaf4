import type { Readable } from 'node:stream'
import type { AuditBuffer } from '../audit/audit-buffer.ts'
import type { Clock } from '../base/clock.ts'
import { plusMs } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { inSpan } from '../base/trace.ts'
import {
  type AskedIdentity,
  type FabricAccess,
  type OpenFabric,
  refusedToken
} from '../fabrics/fabric-access.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { DataPlanePath } from '../providers/provider.ts'
import { providers } from '../providers/registry.ts'
import { leastLifeMs } from '../vault/token-state.ts'
import type { TokenOptions } from '../vault/vault.ts'
import { createAdmission, type Seat } from './admission.ts'
import { AnswerTail } from './answer-tail.ts'
import { defaultBounds, type GatewayBounds } from './bounds.ts'
import { createBreakers } from './breaker.ts'
import { appErrorOf, type Course, outcomeOf, recordOf, startCourse } from './course.ts'
import type { Gateway, GatewayCall, GatewayOutcome, GatewaySink } from './gateway.ts'
import { createGatewayMeasures } from './gateway-measures.ts'
import { kinds } from './kinds/index.ts'
import type { Ask, EndpointKind } from './kinds/kind.ts'
import { checkParams, createPathTable } from './path-table.ts'
import { createRepetitions, type KeptAnswer, replay } from './repetitions.ts'
import { createSend, type Parcel } from './sending.ts'
import { createServingRoutes, type ScopedTokens } from './serving-routes.ts'
import { readWhole } from './whole-body.ts'

export interface GatewayDeps {
  readonly access: FabricAccess
  readonly outbound: Outbound
  readonly records: AuditBuffer
  readonly clock: Clock
  /** Without them, endpoints with a data plane of their own are asked at the workspace like any other. */
  readonly scopedTokens?: ScopedTokens
  /** How late the event loop's turns come, milliseconds. */
  readonly lagMs: () => number
  readonly bounds?: Partial<GatewayBounds>
}

/** A call that may go. */
interface Passage extends Omit<Parcel, 'target' | 'permit'> {
  readonly seat: Seat
  /** What it was answered before; null: nothing. */
  readonly answer: KeptAnswer | null
}

/** Of one line, without the quotes and controls that no id and no plain address has. */
const userPattern = /^[\x21\x23-\x26\x28-\x7e]{1,320}$/

/** Bodies of calls that only steer something; larger ones belong to what computes. */
const shortBodyMaxBytes = 4 * 1024 * 1024

/**
 * The one way of every call, whatever its kind: path → fabric and identity → limits → policy → breaker →
 * token → upstream → record. A kind only says what is asked, so it cannot forget a step.
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const { access, outbound, records, clock, lagMs, scopedTokens } = deps
  const table = createPathTable(Object.values(providers))
  const { random } = Math
  const bounds = { ...defaultBounds, ...deps.bounds }
  const admission = createAdmission({ clock, bounds, lagMs, random })
  const breakers = createBreakers({ clock, random })
  const routes = scopedTokens && createServingRoutes({ access, outbound, clock, scopedTokens })
  const repetitions = createRepetitions(clock)
  const measures = createGatewayMeasures()
  const send = createSend({ outbound, breakers, clock })

  async function walk(
    call: GatewayCall,
    sink: GatewaySink,
    course: Course,
    seat: Seat
  ): Promise<void> {
    const { row } = course.claim
    const kind = kinds[row.kind]
    const work = () => admit(call, course, seat, kind)
    const { fabric, ask } = await inSpan(call.span, 'policy', work)
    const isInvocation = kind.reach === 'endpoint' && row.method === 'POST'
    if (isInvocation) course.tail = new AnswerTail()
    if (!isInvocation || call.headers['idempotency-key'] === undefined) {
      return await pass({ call, sink, course, seat, fabric, ask, answer: null })
    }
    const turn = await repetitions.take(ownerOf(call, fabric), call)
    try {
      const { answer = null } = turn ?? {}
      const recorded = turn?.recording(sink) ?? sink
      await pass({ call, sink: recorded, course, seat, fabric, ask, answer })
    } finally {
      turn?.done()
    }
  }

  /** Whether this may be asked at all, through this fabric, by this caller. */
  async function admit(
    call: GatewayCall,
    course: Course,
    seat: Seat,
    kind: EndpointKind
  ): Promise<Pick<Passage, 'fabric' | 'ask'>> {
    const { row, params, provider } = course.claim
    checkParams(course.claim)
    checkAuthority(call, row)
    const fabric = await access.open(call.scope, call.fabricId, readAsked(call))
    course.fabric = fabric
    if (fabric.provider !== provider) throw new AppError('path_not_allowed')
    seat.take(call.scope, fabric)
    const ask = await kind.ask({ fabric, params, body: await admitBody(row, call.body) })
    course.endpoint = ask.endpoint
    checkPolicy(kind, ask, fabric)
    return { fabric, ask }
  }

  async function pass({ call, sink, course, seat, fabric, ask, answer }: Passage): Promise<void> {
    const { row } = course.claim
    const route =
      row.isRoutable && routes
        ? await inSpan(call.span, 'route', (span) =>
            routes.find(call.scope, fabric, ask.endpoint, span)
          )
        : null
    const target = route?.target ?? { origin: fabric.workspaceOrigin, path: call.path }
    seat.reach(target.origin)
    const permit = breakers.admit(target.origin)
    const take = (given?: TokenOptions) =>
      timed(course, () =>
        inSpan(call.span, 'token', (span) => {
          const options = span === null ? given : { ...given, span }
          return route
            ? route.token(leastLifeMs, options)
            : access.token(call.scope, fabric, leastLifeMs, options)
        })
      )
    course.token = await take()
    if (call.signal.aborted) return
    if (answer !== null) {
      course.status = answer.status
      return replay(answer, sink)
    }
    const parcel = { call, sink, course, fabric, ask, target, permit }
    if (await send(parcel, course.token)) return
    // One forced refresh, joined by every call that meets the same dead token.
    course.token = await take({ rejectedGeneration: course.token.generation })
    if (ask.body !== null && !Buffer.isBuffer(ask.body)) throw sendAgain(clock.now())
    if (await send(parcel, course.token)) return
    throw refusedToken(fabric)
  }

  async function timed<T>(course: Course, work: () => Promise<T>): Promise<T> {
    const begunMs = clock.monotonicMs()
    try {
      return await work()
    } finally {
      course.tokenMs = (course.tokenMs ?? 0) + clock.monotonicMs() - begunMs
    }
  }

  function end(call: GatewayCall, course: Course, error: AppError | null): void {
    const endedMs = clock.monotonicMs()
    measures.note(course, endedMs)
    records.add(call.scope, recordOf(call, course, error, endedMs))
  }

  return {
    enter: ({ tenantId }) => admission.enter(tenantId),

    load: () => ({
      inFlight: admission.inFlight,
      refused: admission.refused,
      breakers: breakers.states(),
      measures
    }),

    async handle(call, sink): Promise<GatewayOutcome> {
      const claim = table.find(call.method, call.path)
      if (claim === null) throw new AppError('path_not_allowed')
      const course = startCourse(claim, clock)
      const seat = admission.seat()
      try {
        await walk(call, sink, course, seat)
        end(call, course, course.cut)
      } catch (error) {
        // What a bound turned away is counted: a caller out of bounds must not fill the trail as well.
        if (!seat.isTurnedAway) end(call, course, appErrorOf(error))
        throw error
      } finally {
        seat.leave()
      }
      return outcomeOf(call, course)
    },
    async recheck(call) {
      await access.open(call.scope, call.fabricId, readAsked(call))
    }
  }
}

function ownerOf({ scope }: GatewayCall, { id, identity, person }: OpenFabric): string {
  return `${scope.tenantId}/${scope.actor.id}/${id}/${person ?? identity}`
}

function readAsked({ headers }: Pick<GatewayCall, 'headers'>): AskedIdentity {
  const { 'x-weft-act-as': actAs = null, 'x-weft-user': user = null } = headers
  if (actAs !== null && actAs !== 'user' && actAs !== 'service_principal') {
    throw invalidRequest('/headers/x-weft-act-as', 'must be user or service_principal')
  }
  if (user !== null && !(typeof user === 'string' && userPattern.test(user))) {
    throw invalidRequest('/headers/x-weft-user', 'must be the id or the address of a person')
  }
  return { actAs, user }
}

/** Which fabrics and endpoints is for `FabricAccess` and the lists to say; this is whether anything may be asked. */
function checkAuthority({ scope }: GatewayCall, { isDiscovery }: DataPlanePath): void {
  if (scope.authority.may(isDiscovery ? 'endpoint.discover' : 'endpoint.query')) return
  throw new AppError('forbidden', { detail: 'This credential only reads what there is' })
}

/** What is short is kept whole, so that it can be sent again where that is allowed. */
function admitBody(
  { method, pace }: DataPlanePath,
  body: Buffer | Readable | null
): Buffer | Readable | null | Promise<Buffer> {
  if (body === null || (method === 'POST' && pace === 'long')) return body
  if (method === 'POST') return readWhole(body, shortBodyMaxBytes)
  throw invalidRequest('', `${method} takes no body`)
}

/** @throws AppError `endpoint_not_allowed`; see `EndpointKind.reach` */
function checkPolicy({ reach }: EndpointKind, ask: Ask, { endpoints }: OpenFabric): void {
  if (endpoints === null || reach === 'open') return
  if (reach === 'workspace') {
    const detail = 'This fabric or key is limited to serving endpoints'
    throw new AppError('endpoint_not_allowed', { detail })
  }
  if (ask.endpoint === null || !endpoints.has(ask.endpoint)) {
    throw new AppError('endpoint_not_allowed')
  }
}

function sendAgain(now: Date): AppError {
  return new AppError('overloaded', {
    detail: 'The token was renewed while a large body was under way; send it again',
    retryAt: plusMs(now, 1_000)
  })
}
