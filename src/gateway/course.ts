import type { NotedCall } from '../audit/call-writer.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { OpenFabric } from '../fabrics/fabric-access.ts'
import type { AccessToken } from '../vault/vault.ts'
import type { AnswerTail } from './answer-tail.ts'
import type { GatewayCall, GatewayOutcome } from './gateway.ts'
import type { Claim } from './path-table.ts'

/** What is known of a call by the time it ends, however it ends. */
export interface Course {
  readonly at: Date
  readonly startedMs: number
  readonly claim: Claim
  fabric: OpenFabric | null
  endpoint: string | null
  token: AccessToken | null
  /** How long the call waited for its tokens. */
  tokenMs: number | null
  /** How often something was sent, or was about to be. */
  attempts: number
  upstreamMs: number | null
  firstByteMs: number | null
  status: number | null
  upstreamRequestId: string | null
  /** Of bodies, as far as they went. */
  sentBytes: number
  answerBytes: number
  /** Where an answer may tell how many tokens it took. */
  tail: AnswerTail | null
  /** What cut an answer that was under way already. */
  cut: AppError | null
}

export function startCourse(claim: Claim, clock: Clock): Course {
  return {
    at: clock.now(),
    startedMs: clock.monotonicMs(),
    claim,
    fabric: null,
    endpoint: null,
    token: null,
    tokenMs: null,
    attempts: 0,
    upstreamMs: null,
    firstByteMs: null,
    status: null,
    upstreamRequestId: null,
    sentBytes: 0,
    answerBytes: 0,
    tail: null,
    cut: null
  }
}

/** @param error what ended the call; null: an answer went out as a whole, or nobody waits for one */
export function recordOf(
  call: GatewayCall,
  course: Course,
  error: AppError | null,
  nowMs: number
): NotedCall {
  const { claim, fabric, token, status } = course
  const tokens = course.tail?.read() ?? null
  return {
    at: course.at,
    operation: claim.row.operation,
    endpoint: course.endpoint,
    subject: course.endpoint ?? nameOf(claim),
    fabricId: fabric === null ? null : call.fabricId,
    identity: fabric?.identity ?? null,
    onBehalfOf: fabric?.person ?? null,
    keyId: call.keyId,
    grantId: token?.grantId ?? null,
    generation: token?.generation ?? null,
    tokenSource: token?.source ?? null,
    outcome: endingOf(course, error),
    code: error?.code ?? null,
    status: error === null || error === course.cut ? status : error.status,
    upstreamStatus: status,
    upstreamRequestId: course.upstreamRequestId,
    attempts: course.attempts,
    requestBytes: announcedBytes(call) ?? course.sentBytes,
    answerBytes: course.answerBytes,
    durationMs: nowMs - course.startedMs,
    firstByteMs: course.firstByteMs,
    tokenMs: course.tokenMs,
    inputTokens: tokens?.input ?? null,
    outputTokens: tokens?.output ?? null,
    totalTokens: tokens?.total ?? null
  }
}

export function outcomeOf(call: GatewayCall, course: Course): GatewayOutcome {
  return {
    operation: course.claim.row.operation,
    fabricId: call.fabricId,
    identity: course.fabric?.identity ?? null,
    tokenSource: course.token?.source ?? null,
    upstreamMs: course.upstreamMs,
    upstreamStatus: course.status,
    code: course.cut?.code ?? null
  }
}

export function appErrorOf(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal')
}

/** Of what is no serving endpoint: what its path names, else what is done. */
function nameOf({ row, params }: Claim): string {
  for (const name in params) if (name !== 'endpoint') return `${name} ${params[name]}`.slice(0, 100)
  return 'endpoint' in params ? 'unknown' : row.operation
}

/** What the client says that its body holds; null: it sends it in chunks, of a number of its own. */
function announcedBytes({ body, headers }: GatewayCall): number | null {
  if (body === null) return 0
  if (Buffer.isBuffer(body)) return body.length
  const length = Number(headers['content-length'])
  return Number.isSafeInteger(length) ? length : null
}

function endingOf(course: Course, error: AppError | null): 'succeeded' | 'refused' | 'failed' {
  if (error !== null) return course.attempts === 0 && error.status < 500 ? 'refused' : 'failed'
  return course.status !== null && course.status < 400 ? 'succeeded' : 'failed'
}
