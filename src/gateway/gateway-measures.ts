import { Counts, callBoundsMs, Durations, eachOf, ownBoundsMs } from '../base/measures.ts'
import type { Course } from './course.ts'
import type { ActAs, AnswerClass, GatewayMeasures, KindMeasures } from './gateway.ts'
import { kinds } from './kinds/index.ts'

const answerClasses = ['2xx', '3xx', '4xx', '5xx', 'error'] as const satisfies AnswerClass[]
const identities = ['user', 'service_principal'] as const satisfies ActAs[]
const tokenSources = ['cached', 'refreshed'] as const

export function createGatewayMeasures(): GatewayMeasures & {
  /** Of a call that ended, however it ended. */
  note(course: Course, endedMs: number): void
} {
  const byKind = eachOf(Object.keys(kinds), newKind)
  const tokens = eachOf(tokenSources, () => new Durations(ownBoundsMs))
  return {
    byKind,
    tokens,
    note(course, endedMs) {
      const { fabric, token, tokenMs } = course
      if (token !== null && tokenMs !== null) tokens.get(token.source)?.add(tokenMs)
      const kind = byKind.get(course.claim.row.kind)
      if (kind === undefined || fabric === null || course.attempts === 0) return
      kind.answers.get(fabric.identity)?.add(classOf(course.status))
      const upstreamMs = course.upstreamMs ?? 0
      kind.upstream.add(upstreamMs)
      if (course.firstByteMs !== null) kind.firstByte.add(course.firstByteMs)
      kind.own.add(Math.max(0, endedMs - course.startedMs - upstreamMs - (tokenMs ?? 0)))
    }
  }
}

function newKind(): KindMeasures {
  return {
    answers: eachOf(identities, () => new Counts(answerClasses)),
    upstream: new Durations(callBoundsMs),
    firstByte: new Durations(callBoundsMs),
    own: new Durations(ownBoundsMs)
  }
}

function classOf(status: number | null): AnswerClass {
  if (status === null) return 'error'
  if (status >= 500) return '5xx'
  if (status >= 400) return '4xx'
  return status >= 300 ? '3xx' : '2xx'
}
