import type { Plan } from './options.ts'
import { exchanges, streamEndpoint, type TargetedJob } from './traffic.ts'
import type { Role } from './variants.ts'

export type Work = TargetedJob extends infer One
  ? One extends TargetedJob
    ? Omit<One, 'target'>
    : never
  : never

const connections = 64
/** As many bodies of megabytes as a busy replica has under way, and no more than its memory is for. */
const largeConnections = 4

/** Waiting times first: a machine that lends its processors slows down in the course of a run. */
export const cases = {
  'open-200': { title: 'JSON 2 KiB, open loop, 200 requests/s', kind: 'open', role: 'slow' },
  'open-1000': { title: 'JSON 2 KiB, open loop, 1,000 requests/s', kind: 'open', role: 'small' },
  'json-2k': {
    title: 'JSON 2 KiB each way, closed loop, 64 connections',
    kind: 'closed',
    role: 'chief'
  },
  'sse-200': {
    title: 'SSE, 200 events, one stream at a time',
    kind: 'streams',
    role: 'small'
  },
  'json-64k': {
    title: 'JSON 64 KiB each way, closed loop, 64 connections',
    kind: 'closed',
    role: 'small'
  },
  'up-1m': { title: 'Requests of 1 MiB, 4 connections', kind: 'large', role: 'large' },
  'down-1m': { title: 'Answers of 1 MiB, 4 connections', kind: 'large', role: 'large' },
  'up-4m': { title: 'Requests of 4 MiB, 4 connections', kind: 'large', role: 'large' },
  'down-4m': { title: 'Answers of 4 MiB, 4 connections', kind: 'large', role: 'large' },
  'up-16m': { title: 'Requests of 16 MiB, 4 connections', kind: 'large', role: 'large' },
  'down-16m': { title: 'Answers of 16 MiB, 4 connections', kind: 'large', role: 'large' }
} as const satisfies Record<
  string,
  { title: string; kind: 'closed' | 'large' | 'streams' | 'open'; role: Role }
>
export type CaseName = keyof typeof cases
export const caseNames = Object.keys(cases) as CaseName[] // its own keys are all it has

export function workOf(name: CaseName, plan: Plan): Work {
  const { closedMs, openMs, largeMs, streams } = plan
  if (name === 'sse-200') return { kind: 'streams', endpoint: streamEndpoint, count: streams }
  if (name === 'open-200' || name === 'open-1000') {
    const perSecond = name === 'open-200' ? 200 : 1_000
    return { kind: 'open', endpoint: 'json-2k', perSecond, durationMs: openMs }
  }
  if (cases[name].kind === 'large') {
    return {
      kind: 'closed',
      endpoint: name,
      connections: largeConnections,
      durationMs: largeMs
    }
  }
  return { kind: 'closed', endpoint: name, connections, durationMs: closedMs }
}

/** Of bodies, both ways, MiB a second. */
export function mebibytesOf(name: CaseName, perSecond: number): number {
  const bytes = Object.entries(exchanges).find(([endpoint]) => endpoint === name)?.[1]
  if (bytes === undefined) return Number.NaN
  return ((bytes.sent + bytes.answered) * perSecond) / 1024 / 1024
}
