/**
 * Owns: the operator's commands – what they are called, what they take, how their answers read.
 * Touches: identity and the jobs, through their interfaces, which are handed in.
 * Never: the process, the environment, a database, a decision about who may.
 */
import { parseArgs } from 'node:util'
import { AppError } from '../base/errors.ts'
import { type Command, type CommandRooms, type Given, UsageError } from './command.ts'
import { keyCommands } from './keys.ts'
import { operatorCommands } from './operator.ts'
import { tenantCommands } from './tenant.ts'

export const commands: readonly Command[] = [...tenantCommands, ...operatorCommands, ...keyCommands]

/** What a command ends with: 0 done, 1 refused or failed, 2 written wrongly. */
export interface CommandEnd {
  readonly code: 0 | 1 | 2
  readonly out: string
  readonly err: string
}

/** A command line that has been read; `run` needs the rooms, `end` is all there is to say. */
export type Invocation =
  | { readonly end: CommandEnd }
  | { readonly run: (rooms: CommandRooms) => Promise<CommandEnd> }

/** @returns null where the first words are no command of this room */
export function readCommandLine(args: readonly string[]): Invocation | null {
  const [group, verb] = args
  const ofGroup = commands.filter(({ name }) => name.split(' ')[0] === group)
  if (ofGroup.length === 0) return null
  const found = ofGroup.find(({ name }) => name === `${group} ${verb}`)
  if (found === undefined) {
    const text = helpOf(ofGroup)
    const isHelp = args.includes('--help') || args.includes('-h')
    return { end: isHelp ? done(text) : faulty(`weft: no such command\n\n${text}`) }
  }
  if (args.includes('--help') || args.includes('-h')) return { end: done(helpOf([found])) }
  try {
    const { json, ...given } = readArguments(found, args.slice(2))
    return { run: (rooms) => run(found, given, json, rooms) }
  } catch (err) {
    if (!(err instanceof UsageError)) throw err
    return { end: faulty(`weft: ${err.message}\n\n${helpOf([found])}`) }
  }
}

/** One or two lines for each command. */
export function helpOf(some: readonly Command[]): string {
  const lines = some.map(({ name, usage, about }) =>
    `  weft ${name} ${usage}`.trimEnd().concat(`\n                          ${about}`)
  )
  return `${lines.join('\n')}\n                          each takes --json and --help\n`
}

function readArguments(
  found: Command,
  args: readonly string[]
): Given & { readonly json: boolean } {
  const options = { ...found.options, json: { type: 'boolean' as const } }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (positionals.length > found.positionalsMax) throw new UsageError('too many words')
    return { values, positionals, json: values.json === true }
  } catch (err) {
    throw new UsageError(err instanceof Error ? err.message : 'not understood')
  }
}

async function run(
  found: Command,
  given: Given,
  json: boolean,
  rooms: CommandRooms
): Promise<CommandEnd> {
  try {
    const answer = await found.run(given, rooms)
    return done(`${json ? JSON.stringify(answer) : found.tell(answer)}\n`)
  } catch (err) {
    if (err instanceof UsageError) return faulty(`weft: ${err.message}\n\n${helpOf([found])}`)
    if (!(err instanceof AppError)) throw err
    const { code, message, note } = err
    const problem = `weft: ${code}: ${note ?? message}`
    return {
      code: 1,
      out: json ? `${JSON.stringify({ code, detail: message })}\n` : '',
      err: `${problem}\n`
    }
  }
}

function done(out: string): CommandEnd {
  return { code: 0, out, err: '' }
}

function faulty(err: string): CommandEnd {
  return { code: 2, out: '', err }
}
