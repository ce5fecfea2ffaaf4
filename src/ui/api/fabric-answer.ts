import { problemOf } from './problem.ts'

/** The workspace itself said no: its status and its words, not Weft's. */
export class WorkspaceError extends Error {
  override readonly name = 'WorkspaceError'
  /** Null: a statement that failed, which HTTP does not tell. */
  readonly status: number | null
  readonly code: string | null
  readonly requestId: string | null

  constructor(
    status: number | null,
    code: string | null,
    message: string,
    requestId: string | null
  ) {
    super(message)
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

function textIn(value: unknown, ...names: readonly string[]): string | null {
  if (typeof value !== 'object' || value === null) return null
  const members = new Map(Object.entries(value))
  const found = names.map((name) => members.get(name)).find((one) => typeof one === 'string')
  return found ?? null
}

/** What an answer of the data plane that is no success says, in whoever's words it is. */
export async function refusalOf(response: Response): Promise<Error> {
  if (response.headers.has('x-weft-problem')) return await problemOf(response)
  const text = await response.text().catch(() => '')
  let body: unknown = null
  try {
    body = JSON.parse(text)
  } catch {
    // Not every server in between speaks JSON; its text is shown as it is.
  }
  const message =
    textIn(body, 'message', 'detail') ?? (text.slice(0, 2_000) || 'It gave no reason.')
  const requestId = response.headers.get('x-request-id')
  return new WorkspaceError(response.status, textIn(body, 'error_code'), message, requestId)
}
