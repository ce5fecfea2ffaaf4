import type { Anchors } from '../audit/anchors.ts'
import type { Bootstrap, Identity } from '../identity/identity.ts'
import type { DataKeyRotation } from '../jobs/data-key-rotation.ts'
import type { Finding } from '../jobs/examination.ts'
import type { KeyRotation } from '../jobs/key-rotation.ts'

/** What a command may ask. */
export interface CommandRooms {
  readonly identity: Pick<Identity, 'tenants' | 'operators' | 'incidents' | 'tokenFinding'>
  readonly audit: Anchors
  readonly bootstrap: Pick<Bootstrap, 'createTenant'>
  readonly keyRotation: KeyRotation
  readonly dataKeyRotation: Pick<DataKeyRotation, 'rotate'>
  readonly dropSigningKey: (
    kid: string
  ) => Promise<{ readonly kid: string; readonly tenants: number }>
  /** Progress of long work, a line at a time. */
  readonly tell: (step: string) => void
  /** All of standard input, for secrets, which do not belong on a command line. */
  readonly readInput: () => Promise<string>
  readonly readFile: (path: string) => string
}

/** What was written on the command line, checked against the command's options. */
export interface Given {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly positionals: readonly string[]
}

/** What a command may ask of the process before any room is open. */
export interface ProcessDeeds {
  /** @throws ConfigError */
  checkConfig(): void
  /**
   * @returns names of the migrations that were applied
   * @throws ConfigError, AppError
   */
  migrate(): Promise<readonly string[]>
  /** @param origins of workspaces to be reached, beside those of the fabrics */
  examine(origins: readonly string[]): Promise<readonly Finding[]>
}

/** How a command is written and how its answer reads. */
interface CommandText {
  /** As it is written, such as `tenant create`. */
  readonly name: string
  /** What follows the name. */
  readonly usage: string
  readonly about: string
  readonly options: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>
  readonly positionalsMax: number
  /** The answer for people, without its last newline. */
  tell(answer: unknown): string
  /** The answer itself says that something is wrong: the command ends with 1. Default: nothing is. */
  isBad?(answer: unknown): boolean
}

export interface CommandOf<Needs> extends CommandText {
  /**
   * @returns what `--json` prints
   * @throws UsageError, AppError, ConfigError
   */
  run(given: Given, needs: Needs): Promise<unknown>
}

/** A command that asks the rooms. */
export type Command = CommandOf<CommandRooms>

/** A command that does without them: it must work where they cannot be opened. */
export type ProcessCommand = CommandOf<ProcessDeeds>

/** The command line itself is wrong; nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A command, with the type of its answer between `run` and `tell`. */
export function command<T, Needs = CommandRooms>(
  given: Omit<CommandOf<Needs>, 'run' | 'tell' | 'isBad'> & {
    run(given: Given, needs: Needs): Promise<T>
    tell(answer: T): string
    isBad?(answer: T): boolean
  }
): CommandOf<Needs> {
  return {
    ...given,
    tell: (answer) => given.tell(answer as T), // it is what `run` returned
    isBad: (answer) => given.isBad?.(answer as T) === true
  }
}

/** @throws UsageError: it is missing */
export function needed({ values }: Given, option: string): string {
  const value = given({ values, positionals: [] }, option)
  if (value === null) throw new UsageError(`--${option} is needed`)
  return value
}

export function given({ values }: Given, option: string): string | null {
  const value = values[option]
  return typeof value === 'string' && value !== '' ? value : null
}
