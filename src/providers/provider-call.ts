import type { ProblemCode } from '../base/errors.ts'

/** Names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string>>

/** What an answer means; `detail` is in our words, fit for the caller. */
export type Interpretation<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false
      readonly code: ProblemCode
      readonly detail?: string
      /** As the provider asked. */
      readonly retryAfterSeconds?: number
    }

/** One call of the provider's API and how to read its answer; whoever dials adds origin and bearer. */
export interface ProviderCall<T> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: AnswerHeaders
  /** Longest answer that is taken, default 1 MiB. */
  readonly maxBytes?: number
  /** JSON. */
  readonly body?: string
  interpret(status: number, headers: AnswerHeaders, body: string): Interpretation<T>
}
