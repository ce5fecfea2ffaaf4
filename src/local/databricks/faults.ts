import { createFaultBoard, type FaultName, type Faults } from '../simulation/faults.ts'

/** What can be made to go wrong at a workspace's API beyond what any simulator knows; null means: as usual. */
export interface ApiFaults {
  /** The form of an answer that `apiStatus` imposes: of the API, of a proxy's page, of a bare line. */
  apiErrorForm: 'json' | 'html' | 'text'
  /** OAuth is off at the workspace: where its metadata would be is the login page, or nothing. */
  oauthOff: 'page' | 'missing' | null
  /** What stands where the OAuth metadata would: a status, and bytes in place of the document. */
  metadataStatus: number | null
  metadataBody: string | null
  /** `apiRetryAfterSeconds` is sent as an HTTP date. */
  apiRetryAfterDate: boolean
  /** Status, delay, drop, bytes, cut and drip befall so many calls, then all is as usual. */
  apiFaultTimes: number | null
  /** They befall only paths that begin so. */
  apiFaultPath: string | null
  /** The call is read and then the connection is reset instead of answered; nothing is done. */
  dropApiAnswer: boolean
  /** The bytes of the answer, instead of the API's own. */
  apiBodyBase64: string | null
  apiContentType: string | null
  /** The connection is reset after so many bytes of a body. */
  bodyCutAfterBytes: number | null
  /** A body drips in pieces of so many bytes, `dripDelayMs` apart. */
  dripBytes: number | null
  dripDelayMs: number
  /** Whole answers are gzip'd where the call's `accept-encoding` allows it. */
  gzipAnswers: boolean
  /** Ids of jobs and runs lie beyond 2^53. */
  int64Ids: boolean
  /** What moves a run from PENDING over RUNNING to its end: time, or being looked at. */
  runAdvance: 'time' | 'poll'
  runPendingMs: number
  runRunningMs: number
  runResult: 'SUCCESS' | 'FAILED' | 'TIMEDOUT' | 'INTERNAL_ERROR'
  /** So many more warehouses, clusters and serving endpoints are listed. */
  moreResources: number
  statementRunsMs: number
  commandRunsMs: number
}

export type WorkspaceFaults = Faults & ApiFaults

/** The faults in force at a workspace; read `current` anew at each use. */
export interface WorkspaceFaultBoard {
  readonly current: Readonly<WorkspaceFaults>
  /** JSON merge patch (RFC 7396: null restores); returns what is wrong with it, and then changes nothing. */
  merge(patch: unknown): string[]
  reset(): void
  /** Called after each change with the names that were set, of those that any simulator knows. */
  onChange(listener: (names: readonly FaultName[]) => void): void
  /** What befalls one call to this path, by `apiFaultPath` and `apiFaultTimes`; counts the call. */
  forCall(path: string): Readonly<WorkspaceFaults>
}

/** The faults that `apiFaultPath` and `apiFaultTimes` narrow down, as they are without. */
const calm = {
  apiStatus: null,
  apiDelayMs: 0,
  dropApiAnswer: false,
  apiBodyBase64: null,
  bodyCutAfterBytes: null,
  dripBytes: null
} as const satisfies Partial<WorkspaceFaults>

const usual: Readonly<ApiFaults> = {
  apiErrorForm: 'json',
  oauthOff: null,
  metadataStatus: null,
  metadataBody: null,
  apiRetryAfterDate: false,
  apiFaultTimes: null,
  apiFaultPath: null,
  dropApiAnswer: false,
  apiBodyBase64: null,
  apiContentType: null,
  bodyCutAfterBytes: null,
  dripBytes: null,
  dripDelayMs: 10,
  gzipAnswers: false,
  int64Ids: false,
  runAdvance: 'time',
  runPendingMs: 100,
  runRunningMs: 300,
  runResult: 'SUCCESS',
  moreResources: 0,
  statementRunsMs: 0,
  commandRunsMs: 50
}

const checks: Readonly<Record<keyof ApiFaults, (value: unknown) => boolean>> = {
  apiErrorForm: oneOf('json', 'html', 'text'),
  oauthOff: oneOf('page', 'missing'),
  metadataStatus: isCount,
  metadataBody: isText,
  apiRetryAfterDate: isFlag,
  apiFaultTimes: isCount,
  apiFaultPath: isText,
  dropApiAnswer: isFlag,
  apiBodyBase64: isText,
  apiContentType: isText,
  bodyCutAfterBytes: isCount,
  dripBytes: (value) => isCount(value) && value !== 0,
  dripDelayMs: isCount,
  gzipAnswers: isFlag,
  int64Ids: isFlag,
  runAdvance: oneOf('time', 'poll'),
  runPendingMs: isCount,
  runRunningMs: isCount,
  runResult: oneOf('SUCCESS', 'FAILED', 'TIMEDOUT', 'INTERNAL_ERROR'),
  moreResources: isCount,
  statementRunsMs: isCount,
  commandRunsMs: isCount
}

export function createWorkspaceFaults(): WorkspaceFaultBoard {
  const base = createFaultBoard()
  let own: ApiFaults = { ...usual }
  let current: WorkspaceFaults = { ...base.current, ...own }
  let befallen = 0
  const listeners: ((names: readonly FaultName[]) => void)[] = []
  const tell = (names: readonly FaultName[]) => {
    current = { ...base.current, ...own }
    befallen = 0
    for (const listener of listeners) listener(names)
  }
  base.onChange(tell)
  return {
    get current() {
      return current
    },
    merge(patch) {
      if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
        return base.merge(patch)
      }
      const members = Object.entries(patch)
      const mine = members.filter(([name]) => isOwn(name))
      const wrong = mine
        .filter(([name, value]) => isOwn(name) && value !== null && !checks[name](value))
        .map(([name]) => `${name}: this value is not allowed`)
      if (wrong.length > 0) return wrong
      const refused = base.merge(Object.fromEntries(members.filter(([name]) => !isOwn(name))))
      if (refused.length > 0) return refused
      const changes = mine.map(([name, value]) => {
        return [name, value === null && isOwn(name) ? usual[name] : value]
      })
      own = { ...own, ...Object.fromEntries(changes) }
      if (mine.length > 0) tell([])
      return []
    },
    reset() {
      own = { ...usual }
      base.reset()
    },
    onChange: (listener) => void listeners.push(listener),
    forCall(path) {
      const { apiFaultPath, apiFaultTimes } = own
      const isSpared =
        (apiFaultPath !== null && !path.startsWith(apiFaultPath)) ||
        (apiFaultTimes !== null && befallen >= apiFaultTimes)
      if (isSpared) return { ...current, ...calm }
      befallen++
      return current
    }
  }
}

function isOwn(name: string): name is keyof ApiFaults {
  return Object.hasOwn(checks, name)
}

function oneOf(...allowed: readonly string[]) {
  return (value: unknown) => typeof value === 'string' && allowed.includes(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isFlag(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
