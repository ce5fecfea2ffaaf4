import type { ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { type ProblemCode, problemCatalogue } from '../../base/errors.ts'
import { Counts, callBoundsMs, Durations, type Each, eachOf } from '../../base/measures.ts'
import type { Metric } from './exposition.ts'

/** What routes are for, as far as the operator tells them apart. */
const groups = [
  'data_plane',
  'management',
  'sign_in',
  'token',
  'scim',
  'pages',
  'health',
  'none'
] as const
type Group = (typeof groups)[number]
type Route = Pick<FastifyRequest['routeOptions'], 'url' | 'config'>

/** How a request was answered; `none`: its client left first. */
const statusClasses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const

const prefixes: readonly (readonly [prefix: string, group: Group])[] = [
  ['/fabrics/', 'data_plane'],
  ['/api/', 'management'],
  ['/scim/', 'scim'],
  ['/auth/', 'sign_in'],
  ['/sign-in/', 'sign_in'],
  ['/oauth/', 'sign_in'],
  ['/oauth2/', 'token'],
  ['/oidc/', 'token'],
  ['/.well-known/', 'token'],
  ['/healthz', 'health'],
  ['/readyz', 'health']
]

/** What requests came to, counted when each is over. */
export interface RequestMeasures {
  readonly groups: Each<
    Group,
    { readonly answers: Counts<(typeof statusClasses)[number]>; readonly took: Durations }
  >
  readonly problems: Counts<ProblemCode>
  note(route: Route, res: ServerResponse, code: ProblemCode | null, tookMs: number): void
}

export function createRequestMeasures(): RequestMeasures {
  const measures = eachOf(groups, () => ({
    answers: new Counts(statusClasses),
    took: new Durations(callBoundsMs)
  }))
  const codes = Object.keys(problemCatalogue) as ProblemCode[] // its keys are the codes
  const problems = new Counts(codes)
  /** Of each route's pattern; there are as many as routes. */
  const known = new Map<string, Group>()

  function groupOf({ url, config }: Route): Group {
    if (config?.surface === 'data') return 'data_plane'
    if (url === undefined) return 'none'
    const found = known.get(url)
    if (found !== undefined) return found
    const group = prefixes.find(([prefix]) => url.startsWith(prefix))?.[1] ?? 'pages'
    known.set(url, group)
    return group
  }

  return {
    groups: measures,
    problems,
    note(route, res, code, tookMs) {
      const group = measures.get(groupOf(route))
      group?.answers.add(classOf(res))
      group?.took.add(tookMs)
      if (code !== null) problems.add(code)
    }
  }
}

function classOf({ headersSent, statusCode }: ServerResponse) {
  if (!headersSent) return 'none'
  if (statusCode >= 500) return '5xx'
  if (statusCode >= 400) return '4xx'
  return statusCode >= 300 ? '3xx' : '2xx'
}

/** What comes in, whatever becomes of it. */
export function requestMetrics(measures: RequestMeasures): Metric[] {
  return [
    {
      type: 'counter',
      name: 'weft_http_requests_total',
      help: 'Requests by group of routes and class of answer (none: the client left first)',
      *read() {
        for (const [group, { answers }] of measures.groups) {
          for (const [status, count] of answers.all()) yield [{ group, status }, count]
        }
      }
    },
    {
      type: 'histogram',
      name: 'weft_http_request_seconds',
      help: 'From the head of a request to the end of its answer',
      *read() {
        for (const [group, { took }] of measures.groups) yield [{ group }, took]
      }
    },
    {
      type: 'counter',
      name: 'weft_problems_total',
      help: 'Problems that requests ended with, by code and by who can mend them',
      *read() {
        for (const [code, count] of measures.problems.all()) {
          yield [{ code, owner: problemCatalogue[code].owner }, count]
        }
      }
    }
  ]
}
