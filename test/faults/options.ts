import { parseArgs } from 'node:util'

export const help = `npm run test:faults -- [--only NAME]… [--list] [--json]

  --only NAME   that fault alone; may be given again
  --list        names of all faults, and what each does
  --json        one line of JSON for each fault in place of text
`

export interface FaultOptions {
  readonly only: readonly string[]
  readonly isList: boolean
  readonly isJson: boolean
  readonly isHelp: boolean
}

/** @throws TypeError an argument that is none */
export function readOptions(args: readonly string[], names: readonly string[]): FaultOptions {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      list: flag,
      json: flag,
      help: flag
    }
  })
  const { only, list: isList, json: isJson, help: isHelp } = values
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new TypeError(`no such fault: ${unknown.join(', ')}`)
  return { only, isList, isJson, isHelp }
}
