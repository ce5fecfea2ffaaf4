/**
 * Owns: the operator's commands – what they are called, what they take, how their answers read.
 * Touches: identity and the jobs, through their interfaces, which are handed in.
 * Never: the process, the environment, a database, a decision about who may.
 */
import { parseArgs } from 'node:util'
import { AppError } from '../base/errors.ts'
import { ConfigError, describeFaults } from '../config/config-error.ts'
import { auditCommands } from './audit.ts'
import {
  type Command,
  type CommandOf,
  type CommandRooms,
  type Given,
  type ProcessDeeds,
  UsageError
} from './command.ts'
import { completionFor, shells } from './completion.ts'
import { incidentCommands } from './incident.ts'
import { keyCommands } from './keys.ts'
import { operatorCommands } from './operator.ts'
import { processCommands } from './process.ts'
import { tenantCommands } from './tenant.ts'

export const commands: readonly Command[] = [
  ...tenantCommands,
  ...incidentCommands,
  ...operatorCommands,
  ...keyCommands,
  ...auditCommands
]

/** What a command ends with: 0 done, 1 refused or failed, 2 written wrongly. */
export interface CommandEnd {
  readonly code: 0 | 1 | 2
  readonly out: string
  readonly err: string
}

/** A command line that has been read; `end` is all there is to say, the others need the process or its rooms. */
export type Invocation =
  | { readonly end: CommandEnd }
  | { readonly act: (deeds: ProcessDeeds) => Promise<CommandEnd> }
  | { readonly run: (rooms: CommandRooms) => Promise<CommandEnd> }

const completion = {
  name: 'completion',
  usage: shells.join('|'),
  about: 'completions for a shell, such as: source <(weft completion bash)',
  options: {}
}
const all = [...processCommands, ...commands, completion]

const help = `weft – a connection platform for Databricks

  weft                    serve, as the environment says (see .env.example)
${helpOf(all)}  weft --help | --version
`

/** @returns null where nothing was asked: Weft serves */
export function readCommandLine(args: readonly string[], version: string): Invocation | null {
  const [group, verb] = args
  if (group === undefined) return null
  if (group === '--help' || group === '-h' || group === 'help') return { end: done(help) }
  if (group === '--version') return { end: done(`${version}\n`) }
  const isHelp = args.includes('--help') || args.includes('-h')
  if (group === completion.name) return { end: complete(args.slice(1), isHelp) }
  const ofGroup = all.filter(({ name }) => name.split(' ')[0] === group)
  if (ofGroup.length === 0) return { end: faulty(`weft: no such command\n\n${help}`) }
  const isIt = ({ name }: { name: string }) => name === group || name === `${group} ${verb}`
  const found = ofGroup.find(isIt)
  if (found === undefined) {
    const text = helpOf(ofGroup)
    return { end: isHelp ? done(text) : faulty(`weft: no such command\n\n${text}`) }
  }
  if (isHelp) return { end: done(helpOf([found])) }
  const words = args.slice(found.name.split(' ').length)
  const ofProcess = processCommands.find(isIt)
  if (ofProcess !== undefined) return read(ofProcess, words, (run) => ({ act: run }))
  const ofRooms = commands.find(isIt)
  return ofRooms === undefined ? null : read(ofRooms, words, (run) => ({ run }))
}

function read<Needs>(
  found: CommandOf<Needs>,
  words: readonly string[],
  invocationOf: (run: (needs: Needs) => Promise<CommandEnd>) => Invocation
): Invocation {
  try {
    const { json, ...given } = readArguments(found, words)
    return invocationOf((needs) => run(found, given, json, needs))
  } catch (err) {
    if (!(err instanceof UsageError)) throw err
    return { end: faulty(`weft: ${err.message}\n\n${helpOf([found])}`) }
  }
}

function complete(words: readonly string[], isHelp: boolean): CommandEnd {
  const shell = shells.find((name) => name === words[0])
  if (isHelp) return done(helpOf([completion]))
  if (shell === undefined || words.length > 1) {
    return faulty(`weft: one of ${shells.join(', ')}\n\n${helpOf([completion])}`)
  }
  return done(completionFor(shell, all))
}

/** One or two lines for each command. */
function helpOf(some: readonly Pick<Command, 'name' | 'usage' | 'about'>[]): string {
  const lines = some.map(({ name, usage, about }) =>
    `  weft ${name} ${usage}`.trimEnd().concat(`\n                          ${about}`)
  )
  return `${lines.join('\n')}\n                          each takes --json and --help\n`
}

function readArguments(
  found: Pick<Command, 'options' | 'positionalsMax'>,
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

async function run<Needs>(
  found: CommandOf<Needs>,
  given: Given,
  json: boolean,
  needs: Needs
): Promise<CommandEnd> {
  try {
    const answer = await found.run(given, needs)
    const out = `${json ? JSON.stringify(answer) : found.tell(answer)}\n`
    return { code: found.isBad?.(answer) === true ? 1 : 0, out, err: '' }
  } catch (err) {
    if (err instanceof UsageError) return faulty(`weft: ${err.message}\n\n${helpOf([found])}`)
    if (err instanceof ConfigError) {
      const out = json ? `${JSON.stringify({ isGood: false, faults: err.faults })}\n` : ''
      return { code: 1, out, err: `${describeFaults(err)}\n` }
    }
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
