import type { LogEntry } from '../simulation/recorder.ts'

export interface Form {
  readonly grantType: string
  readonly clientId: string
  readonly refreshToken: string | null
  /** JSON, as it came. */
  readonly authorizationDetails: string | null
  readonly assertion: string | null
  readonly subjectToken: string | null
  readonly subjectTokenType: string | null
  readonly scope: string | null
}

/** A token request under way: its form, and the log entry that tells of it. */
export interface TokenExchange {
  readonly form: Form
  readonly entry: LogEntry
}
