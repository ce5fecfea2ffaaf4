import { type AppError, problemCatalogue } from '../base/errors.ts'

/** What a problem says on the data plane beside its RFC 9457 members. */
export interface WorkspaceProblem {
  readonly headers: Readonly<Record<string, string>>
  readonly members: Readonly<Record<string, unknown>>
}

const openAiPaths =
  /\/serving-endpoints\/(?:v1\/)?(?:chat\/completions|completions|embeddings|responses)$/
const thriftPaths = /\/sql\/1\.0\/warehouses\/[^/]+$/

/**
 * A problem of Weft's in the words that the clients of a workspace read, each in its own place: Databricks
 * SDKs `error_code` and `message`, OpenAI's the member `error`, SQL drivers a header, for they never read
 * the body of an answer that is not Thrift.
 * @param url the request's, its query included
 */
export function workspaceProblem(url: string, error: AppError): WorkspaceProblem {
  const { code, owner } = error
  const [path = ''] = url.split('?')
  const message = error.detail ?? problemCatalogue[code].title
  return {
    headers: {
      'x-weft-problem': code,
      ...(isLasting(error) && { 'x-should-retry': 'false' }),
      ...(thriftPaths.test(path) && { 'x-thriftserver-error-message': line(`${code}: ${message}`) })
    },
    members: {
      error_code: code,
      message,
      ...(openAiPaths.test(path) && { error: { message, type: owner, code } })
    }
  }
}

/** Somebody must act first; OpenAI's clients would ask again after any 409 and 5xx. */
function isLasting({ code, owner, retryAt }: AppError): boolean {
  const mayPass = owner === 'upstream' || owner === 'platform' || code === 'rate_limited'
  return !mayPass && retryAt === undefined
}

/** What a header can hold. */
function line(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 1_000)
}
