import { AppError } from '../base/errors.ts'
import { Prisma } from './generated/client.ts'

/** Prisma's code for a unique constraint that a write would break. */
const uniqueViolation = 'P2002'
const foreignKeyViolation = 'P2003'
const recordNotFound = 'P2025'
/** SQLSTATE of a text with a NUL, which Postgres cannot hold. */
const impossibleText = '22021'
/** Prisma's codes for "no connection", "server closed", "too many connections". */
const unreachable = new Set(['P1000', 'P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2037'])
/** Prisma's codes for "pool timeout" and "transaction could not start, or took too long". */
const late = new Set(['P2024', 'P2028'])
/** The driver adapter's own words for the same, where no code of Prisma's stands for them. */
const unreachableKinds = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError'
])
/** SQLSTATE classes and codes: connection, shutdown, read-only, insufficient resources. */
const unreachableState = /^(08|53|57P0|25006)/

/** A row that the write needed to be new exists already; `fields` are the columns of the constraint. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation'
  readonly fields: readonly string[]
  constructor(fields: readonly string[]) {
    super('unique violation')
    this.fields = fields
  }
}

/**
 * A foreign error as one of ours; its message and cause are dropped, since both can hold values.
 * @returns AppError `overloaded` (database away, or too much waits for it), `not_found` (reference or row gone),
 * `invalid_request` (a NUL in a text), UniqueViolation, or `internal`
 */
export function translateDbError(error: unknown): Error {
  if (error instanceof AppError || error instanceof UniqueViolation) return error
  const code = codeOf(error)
  if (code === uniqueViolation || code === '23505') return new UniqueViolation(fieldsOf(error))
  if (code === foreignKeyViolation || code === '23503') return new AppError('not_found')
  if (code === recordNotFound) return new AppError('not_found')
  if (code === impossibleText) {
    return new AppError('invalid_request', {
      detail: 'A text holds a character that cannot be kept'
    })
  }
  if (isLate(error)) {
    const detail = 'Too much waits for the database at once; try again'
    return new AppError('overloaded', { detail, ...(code === null ? {} : { note: code }) })
  }
  if (code !== null && (unreachable.has(code) || unreachableState.test(code))) {
    return new AppError('overloaded', { detail: 'The database is away; try again', note: code })
  }
  const isAway = unreachableKinds.has(driverCauseOf(error)?.kind ?? '')
  if (
    isAway ||
    error instanceof Prisma.PrismaClientInitializationError ||
    isConnectionError(error)
  ) {
    return new AppError('overloaded', { detail: 'The database is away; try again' })
  }
  if (isPrismaError(error) || code !== null) {
    return new AppError('internal', { note: `database: ${code ?? nameOf(error)}` })
  }
  return error instanceof Error ? error : new AppError('internal', { note: 'database: unknown' })
}

/**
 * `away`: no connection, or one that is refused or cut; `busy`: none came free in time; `connection`: one that was idle was cut; `constraint`: a write
 * that the schema refuses.
 */
export const dbErrorClasses = [
  'away',
  'busy',
  'connection',
  'deadlock',
  'constraint',
  'other'
] as const
export type DbErrorClass = (typeof dbErrorClasses)[number]

/** Null: the database has nothing to do with it. */
export function dbErrorClassOf(error: unknown): DbErrorClass | null {
  if (error instanceof AppError || error instanceof UniqueViolation) return null
  if (isDeadlock(error)) return 'deadlock'
  if (isLate(error)) return 'busy'
  const translated = translateDbError(error)
  if (translated === error) return null
  if (!(translated instanceof AppError) || translated.code === 'not_found') return 'constraint'
  return translated.code === 'overloaded' ? 'away' : 'other'
}

/** Postgres chose this transaction to break a deadlock, or to keep the others serialisable. */
export function isDeadlock(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'P2034' || code === '40P01' || code === '40001'
}

/** The driver's own SQLSTATE where Prisma passes it on, else Prisma's code. */
function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null
  const { code } = error as { code?: unknown }
  const state = driverCauseOf(error)?.originalCode
  const generic = code === 'P2010' || code === 'P2039' || code === undefined
  if (generic && state !== undefined) return state
  return typeof code === 'string' ? code : null
}

interface DriverCause {
  readonly kind?: string
  readonly originalCode?: string
}

/** What the driver adapter says: within Prisma's error, or thrown as it is (by a COMMIT). */
function driverCauseOf(error: unknown): DriverCause | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { meta, cause } = error as {
    meta?: { driverAdapterError?: { cause?: DriverCause } }
    cause?: DriverCause
  }
  return (
    meta?.driverAdapterError?.cause ?? (nameOf(error) === 'DriverAdapterError' ? cause : undefined)
  )
}

function fieldsOf(error: unknown): string[] {
  const meta = (error as { meta?: { target?: unknown; driverAdapterError?: unknown } }).meta
  const cause = (meta?.driverAdapterError as { cause?: { constraint?: unknown } } | undefined)
    ?.cause
  const constraint = cause?.constraint as { fields?: unknown; index?: unknown } | undefined
  if (Array.isArray(constraint?.fields)) return constraint.fields.map(String)
  if (typeof constraint?.index === 'string') return [constraint.index]
  return Array.isArray(meta?.target) ? meta.target.map(String) : []
}

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN'
])
/** The driver's own words, for which it has no code. */
const brokenWords = /Connection terminated|is not queryable|timeout expired|Query read timeout/

function isConnectionError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && socketErrors.has(code)) return true
  return error instanceof Error && brokenWords.test(error.message)
}

/**
 * No connection came free, or no work came to its end, in time. A database that is away can look like this only to
 * a process that does not watch it: one that does has cut whatever waits by then.
 */
function isLate(error: unknown): boolean {
  if (late.has(codeOf(error) ?? '')) return true
  return error instanceof Error && error.message.includes('timeout exceeded when trying')
}

function isPrismaError(error: unknown): boolean {
  return nameOf(error).startsWith('PrismaClient') || nameOf(error) === 'DriverAdapterError'
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
