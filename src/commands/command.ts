import type { Bootstrap, Identity } from '../identity/identity.ts'
import type { DataKeyRotation } from '../jobs/data-key-rotation.ts'
import type { KeyRotation } from '../jobs/key-rotation.ts'

/** What a command may ask. */
export interface CommandRooms {
  readonly identity: Pick<Identity, 'tenants' | 'operators'>
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
}

/** What was written on the command line, checked against the command's options. */
export interface Given {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly positionals: readonly string[]
}

export interface Command {
  /** As it is written, such as `tenant create`. */
  readonly name: string
  /** What follows the name. */
  readonly usage: string
  readonly about: string
  readonly options: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>
  readonly positionalsMax: number
  /**
   * @returns what `--json` prints
   * @throws UsageError, AppError
   */
  run(given: Given, rooms: CommandRooms): Promise<unknown>
  /** The same for people, without its last newline. */
  tell(answer: unknown): string
}

/** The command line itself is wrong; nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A command, with the type of its answer between `run` and `tell`. */
export function command<T>(
  given: Omit<Command, 'run' | 'tell'> & {
    run(given: Given, rooms: CommandRooms): Promise<T>
    tell(answer: T): string
  }
): Command {
  return { ...given, tell: (answer) => given.tell(answer as T) } // it is what `run` returned
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
