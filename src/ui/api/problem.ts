import type { Schemas } from '../generated/operations.ts'

export type Problem = Schemas['Problem']
export type Owner = Problem['owner']

/** An answer that is a problem (RFC 9457), or no answer at all. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem
  readonly requestId: string | null

  constructor(problem: Problem, requestId: string | null) {
    super(problem.detail ?? problem.title)
    this.problem = problem
    this.requestId = requestId
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'title' in value
}

/** What went wrong where no problem came: nobody answered, or something between us and Weft did. */
function unanswered(title: string, detail: string): Problem {
  const type = 'about:blank'
  return { type, title, status: 0, detail, instance: '', code: 'internal', owner: 'platform' }
}

export function noAnswer(): ProblemError {
  const detail = 'Check your network connection. Nothing you typed is lost; try again.'
  return new ProblemError(unanswered('Weft cannot be reached', detail), null)
}

export async function problemOf(response: Response): Promise<ProblemError> {
  const requestId = response.headers.get('x-request-id')
  const body: unknown = await response.json().catch(() => null)
  if (isProblem(body)) return new ProblemError(body, requestId)
  const detail = `HTTP status ${response.status}, not in Weft's own words.`
  return new ProblemError(unanswered('An unexpected answer', detail), requestId)
}

/** Whatever was thrown, as something that can be shown. */
export function toProblem(err: unknown): ProblemError {
  if (err instanceof ProblemError) return err
  const detail = err instanceof Error ? err.message : String(err)
  return new ProblemError(unanswered('Something went wrong on this page', detail), null)
}

export function isCode(err: unknown, code: Problem['code']): boolean {
  return err instanceof ProblemError && err.problem.code === code
}
