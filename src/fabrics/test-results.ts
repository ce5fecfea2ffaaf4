import type { ProblemOwner } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'

export type TestAs = 'user' | 'service_principal'
export const testSteps = [
  'host',
  'dns',
  'tls',
  'discovery',
  'token',
  'identity',
  'scopes',
  'compute'
] as const
export type TestStep = (typeof testSteps)[number]

/** Of a step that passed: what is worth knowing all the same. */
export interface TestNote {
  readonly code: string
  readonly detail: string
  /** Whose move it is, where there is one to make. */
  readonly owner?: ProblemOwner | undefined
  /** What the owner should do. */
  readonly action?: string | undefined
}

export interface TestStepResult {
  readonly step: TestStep
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly code?: string | undefined
  readonly detail?: string | undefined
  readonly owner?: ProblemOwner | undefined
  /** What the owner should do. */
  readonly action?: string | undefined
  /** Where a sign-in mends it. */
  readonly actionUrl?: string | undefined
  /** When the same test may go better by itself. */
  readonly retryAt?: Date | undefined
  readonly note?: TestNote | undefined
  readonly durationMs: number
}

/** Told while a step that may take long is under way. */
export interface TestProgress {
  readonly step: TestStep
  readonly detail: string
}

export interface TestResult {
  readonly ok: boolean
  readonly identity: {
    readonly userName: string
    readonly id: string
    readonly kind: 'user' | 'service_principal'
  } | null
  readonly steps: readonly TestStepResult[]
}

/** Hears of each step as it ends, and of what goes on within one. */
export interface TestListener {
  onStep(result: TestStepResult): void
  onProgress?(progress: TestProgress): void
}

/** What a test was about; what differs now has changed since. */
export type TestSubject = Readonly<Record<TestSubjectPart, string | null>>
export const testSubjectParts = [
  'workspaceUrl',
  'authMethod',
  'appConnection',
  'servicePrincipal',
  'compute',
  'signIn'
] as const
export type TestSubjectPart = (typeof testSubjectParts)[number]

/** The latest test as one identity. */
export interface TestRecord {
  readonly as: TestAs
  readonly testedAt: Date
  readonly ageSeconds: number
  readonly testedBy: { readonly id: UserId; readonly name: string }
  /** Whether something that it was about has changed since. */
  readonly isOutdated: boolean
  readonly changedSince: readonly TestSubjectPart[]
  readonly result: TestResult
}

/** Side by side; null: never tested. */
export interface TestResults {
  /** As the very person who asks. */
  readonly user: TestRecord | null
  /** As the service principal, whoever tested it. */
  readonly servicePrincipal: TestRecord | null
}
