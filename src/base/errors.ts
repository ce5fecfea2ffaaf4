/**
 * The problem catalogue and the one error that carries it.
 * Owns: codes, HTTP statuses, whose move it is, titles. Touches nothing.
 * Never: formats an HTTP body (`http/plugins/problem.ts` does), never holds a foreign error's body.
 */

/** Who can mend a problem. */
export type ProblemOwner =
  | 'caller'
  | 'team_admin'
  | 'tenant_admin'
  | 'provider_admin'
  | 'upstream'
  | 'platform'

interface ProblemKind {
  readonly status: number
  readonly owner: ProblemOwner
  readonly title: string
}

/** Every problem that Weft reports: code → status (RFC 9110), owner, title (RFC 9457 §3.1.3). */
export const problemCatalogue = {
  invalid_request: { status: 400, owner: 'caller', title: 'The request is not valid' },
  unauthenticated: { status: 401, owner: 'caller', title: 'Log in or send a valid key' },
  forbidden: { status: 403, owner: 'caller', title: 'Your role does not allow this' },
  not_found: { status: 404, owner: 'caller', title: 'No such resource' },
  version_conflict: { status: 412, owner: 'caller', title: 'The resource has changed since' },
  idempotency_conflict: {
    status: 409,
    owner: 'caller',
    title: 'This idempotency key was used with another request'
  },
  conflict: { status: 409, owner: 'caller', title: 'Something else must change first' },
  rate_limited: { status: 429, owner: 'caller', title: 'Too many requests' },
  body_too_large: { status: 413, owner: 'caller', title: 'The request body is too large' },
  path_not_allowed: { status: 404, owner: 'caller', title: 'This path is not served' },
  endpoint_not_allowed: {
    status: 403,
    owner: 'caller',
    title: 'This endpoint is not on the allow-list'
  },
  csrf_refused: { status: 403, owner: 'caller', title: 'The request came from another site' },
  attempt_expired: { status: 410, owner: 'caller', title: 'This link was used or has expired' },
  attempt_not_yours: {
    status: 403,
    owner: 'caller',
    title: 'This link belongs to another session'
  },
  sign_in_needed: { status: 409, owner: 'caller', title: 'Sign in to the workspace' },
  service_principal_missing: {
    status: 409,
    owner: 'team_admin',
    title: 'The fabric has no service principal'
  },
  service_principal_refused: {
    status: 502,
    owner: 'team_admin',
    title: 'The workspace refused the service principal'
  },
  compute_not_found: { status: 404, owner: 'team_admin', title: 'The compute does not exist' },
  compute_forbidden: { status: 403, owner: 'team_admin', title: 'No permission on the compute' },
  compute_stopped: { status: 409, owner: 'team_admin', title: 'The compute is stopped' },
  fabric_incomplete: { status: 409, owner: 'team_admin', title: 'The fabric is not complete' },
  app_connection_missing: {
    status: 409,
    owner: 'tenant_admin',
    title: 'OAuth is not set up yet'
  },
  app_connection_refused: {
    status: 502,
    owner: 'tenant_admin',
    title: 'The workspace refused the app connection'
  },
  redirect_uri_mismatch: {
    status: 502,
    owner: 'tenant_admin',
    title: 'The redirect URI is not registered'
  },
  scope_missing: { status: 502, owner: 'tenant_admin', title: 'An OAuth scope is missing' },
  host_not_allowed: { status: 400, owner: 'tenant_admin', title: 'This host is not allowed' },
  principal_not_in_workspace: {
    status: 502,
    owner: 'provider_admin',
    title: 'The identity is not assigned to the workspace'
  },
  federation_policy_missing: {
    status: 502,
    owner: 'provider_admin',
    title: 'No federation policy lets Weft in as the service principal'
  },
  federation_policy_mismatch: {
    status: 502,
    owner: 'provider_admin',
    title: 'The federation policy is not for this fabric'
  },
  federation_keys_unavailable: {
    status: 502,
    owner: 'provider_admin',
    title: "The workspace cannot get the keys that check Weft's signature"
  },
  ip_not_allowed: {
    status: 502,
    owner: 'provider_admin',
    title: "The workspace's IP access list refuses Weft"
  },
  oauth_not_enabled: {
    status: 502,
    owner: 'provider_admin',
    title: 'OAuth is not enabled at the workspace'
  },
  workspace_unreachable: {
    status: 502,
    owner: 'upstream',
    title: 'The workspace cannot be reached'
  },
  dns_failed: { status: 502, owner: 'upstream', title: 'The workspace host has no address' },
  tls_failed: { status: 502, owner: 'upstream', title: 'The TLS connection failed' },
  upstream_timeout: { status: 504, owner: 'upstream', title: 'The workspace took too long' },
  upstream_unavailable: {
    status: 502,
    owner: 'upstream',
    title: 'The workspace could not answer'
  },
  discovery_failed: { status: 502, owner: 'upstream', title: 'The OAuth metadata is not usable' },
  internal: { status: 500, owner: 'platform', title: 'Something went wrong in Weft' },
  overloaded: { status: 503, owner: 'platform', title: 'Weft is busy' },
  shutting_down: { status: 503, owner: 'platform', title: 'Weft is shutting down' },
  key_unavailable: { status: 503, owner: 'platform', title: 'An encryption key is unavailable' }
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof problemCatalogue

/** One fault of the input: where (RFC 6901 JSON pointer) and what; of a text, the place too, from 1. */
export interface InputFault {
  readonly pointer: string
  readonly message: string
  readonly line?: number
  readonly column?: number
}

export interface AppErrorOptions {
  /** For the caller; never a provider's text, never a secret. */
  readonly detail?: string
  /** For the log only. */
  readonly note?: string
  readonly errors?: readonly InputFault[]
  /** When the same call may succeed. */
  readonly retryAt?: Date
  /** Where the owner acts, an absolute URL or a path of this deployment. */
  readonly actionUrl?: string
}

/**
 * The only error that Weft's own code throws on purpose. It never carries a `cause`: foreign errors may
 * hold response bodies, and those may hold tokens.
 */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ProblemCode
  readonly detail: string | undefined
  readonly note: string | undefined
  readonly errors: readonly InputFault[] | undefined
  readonly retryAt: Date | undefined
  readonly actionUrl: string | undefined

  constructor(code: ProblemCode, options: AppErrorOptions = {}) {
    super(options.detail ?? problemCatalogue[code].title)
    this.code = code
    this.detail = options.detail
    this.note = options.note
    this.errors = options.errors
    this.retryAt = options.retryAt
    this.actionUrl = options.actionUrl
  }

  get status(): number {
    return problemCatalogue[this.code].status
  }

  get owner(): ProblemOwner {
    return problemCatalogue[this.code].owner
  }
}

/** By which it is told and kept: that of a problem, or `internal` for whatever was not thrown on purpose. */
export function problemCodeOf(error: unknown): ProblemCode {
  return error instanceof AppError ? error.code : 'internal'
}

/** A problem about one member of the input. */
export function invalidRequest(pointer: string, message: string): AppError {
  return new AppError('invalid_request', {
    detail: `${pointer === '' ? 'body' : pointer}: ${message}`,
    errors: [{ pointer, message }]
  })
}
