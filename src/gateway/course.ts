import type { AuditEvent } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import type { OpenFabric } from '../fabrics/fabric-access.ts'
import type { AccessToken } from '../vault/vault.ts'
import type { GatewayCall, GatewayOutcome } from './gateway.ts'
import type { Claim } from './path-table.ts'

/** What is known of a call by the time it ends, however it ends. */
export interface Course {
  readonly startedMs: number
  readonly claim: Claim
  fabric: OpenFabric | null
  endpoint: string | null
  token: AccessToken | null
  /** How often something was sent, or was about to be. */
  attempts: number
  upstreamMs: number | null
  status: number | null
  /** What cut an answer that was under way already. */
  cut: AppError | null
}

export function startCourse(claim: Claim, startedMs: number): Course {
  return {
    startedMs,
    claim,
    fabric: null,
    endpoint: null,
    token: null,
    attempts: 0,
    upstreamMs: null,
    status: null,
    cut: null
  }
}

/** @param error what ended the call; null: an answer went out as a whole, or nobody waits for one */
export function recordOf(call: GatewayCall, course: Course, error: AppError | null): AuditEvent {
  const { claim, fabric, token } = course
  return {
    action: 'endpoint.query',
    object: ['endpoint', course.endpoint ?? nameOf(claim)],
    ...(fabric === null ? {} : { fabricId: call.fabricId }),
    outcome: endingOf(course, error),
    ...(error === null ? {} : { code: error.code }),
    details: {
      operation: claim.row.operation,
      identity: fabric?.identity ?? null,
      keyId: call.keyId,
      generation: token?.generation ?? null,
      upstreamStatus: course.status
    }
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

function endingOf(course: Course, error: AppError | null): 'succeeded' | 'refused' | 'failed' {
  if (error !== null) return course.attempts === 0 && error.status < 500 ? 'refused' : 'failed'
  return course.status !== null && course.status < 400 ? 'succeeded' : 'failed'
}
