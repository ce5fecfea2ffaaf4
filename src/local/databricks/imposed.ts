import type { Answer } from './api/answer.ts'
import type { WorkspaceFaults } from './faults.ts'

const codes: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  409: 'RESOURCE_CONFLICT',
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED'
}

/** The answer that the faults put in place of the API's; undefined where they impose none. */
export function imposedAnswer(faults: Readonly<WorkspaceFaults>, now: Date): Answer | undefined {
  const { apiStatus, apiBodyBase64, apiContentType } = faults
  if (apiStatus === null && apiBodyBase64 === null) return undefined
  const status = apiStatus ?? 200
  const retry = retryAfter(faults, now)
  if (apiBodyBase64 !== null) {
    const type = apiContentType ?? 'application/json'
    const bytes = Buffer.from(apiBodyBase64, 'base64')
    return { status, bytes, headers: { 'content-type': type, ...retry } }
  }
  const code = codes[status] ?? 'UNKNOWN'
  const message = `The workspace answers ${status}.`
  if (faults.apiErrorForm === 'json') {
    return { status, json: { error_code: code, message }, headers: retry }
  }
  const isPage = faults.apiErrorForm === 'html'
  const text = isPage ? pageOf(status, message) : `${code}: ${message}`
  const type = apiContentType ?? (isPage ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8')
  return { status, bytes: Buffer.from(text), headers: { 'content-type': type, ...retry } }
}

function retryAfter(faults: Readonly<WorkspaceFaults>, now: Date): Record<string, string> {
  const { apiRetryAfterSeconds: seconds, apiRetryAfterDate } = faults
  if (seconds === null) return {}
  const date = new Date(now.getTime() + seconds * 1000).toUTCString()
  return { 'retry-after': apiRetryAfterDate ? date : String(seconds) }
}

/** As Jetty, and the proxies before it, write one; clients look for the `pre`. */
function pageOf(status: number, message: string): string {
  return (
    `<html><head><title>Error ${status}</title></head>\n<body><h2>HTTP ERROR ${status}</h2>\n` +
    `<p>Problem accessing this page. Reason:\n<pre>    ${message}</pre></p></body></html>\n`
  )
}
