import { parseArgs } from 'node:util'
import { StackError } from './stack-error.ts'

export interface Ports {
  readonly weft: number
  readonly workspace1: number
  readonly workspace2: number
  readonly idp: number
}

export interface StackArguments {
  readonly isHelp: boolean
  readonly isJson: boolean
  readonly isFresh: boolean
  readonly dataDir: string | undefined
  /** Ports that were asked for; `any`: free ones; undefined: the usual ones. */
  readonly ports: Ports | 'any' | undefined
  /** Path before all of Weft's own, empty or begun with a slash. */
  readonly prefix: string
}

export const usualPorts: Ports = { weft: 8080, workspace1: 8081, workspace2: 8082, idp: 8083 }

export const help = `The local stack of Weft: Postgres, two simulated Databricks workspaces, an identity provider, Weft.

  npm start -- [options]

  --ports WEFT,WORKSPACE1,WORKSPACE2,IDP   fixed ports (8080,8081,8082,8083); 0 alone picks free ones
  --prefix PATH                            Weft lies under this path, as behind a proxy: /weft
  --data DIR                               where data is kept (.data in this repository)
  --fresh                                  begin with empty data
  --json                                   one line of JSON on stdout once everything is ready
  --help                                   this text

Ctrl-C stops everything. npm run reset empties the data; npm run tour walks through the main job.
`

/** @throws StackError that says what is wrong with the arguments */
export function parseArguments(args: readonly string[]): StackArguments {
  const { values } = read(args)
  return {
    isHelp: values.help ?? false,
    isJson: values.json ?? false,
    isFresh: values.fresh ?? false,
    dataDir: values.data,
    ports: values.ports === undefined ? undefined : parsePorts(values.ports),
    prefix: parsePrefix(values.prefix ?? '')
  }
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        fresh: { type: 'boolean' },
        data: { type: 'string' },
        ports: { type: 'string' },
        prefix: { type: 'string' }
      }
    })
  } catch (error) {
    throw new StackError(`${error instanceof Error ? error.message : 'bad arguments'}\n\n${help}`)
  }
}

function parsePrefix(text: string): string {
  if (/^(\/[a-z0-9-]+)*$/.test(text)) return text
  throw new StackError('--prefix takes a path such as /weft')
}

function parsePorts(text: string): Ports | 'any' {
  const numbers = text
    .split(',')
    .map((part) => (/^\d{1,5}$/.test(part) ? Number(part) : Number.NaN))
  const isGood = numbers.every((port) => port >= 0 && port <= 65_535)
  if (isGood && numbers.length === 1 && numbers[0] === 0) return 'any'
  const [weft, workspace1, workspace2, idp] = numbers
  if (!isGood || numbers.length !== 4 || weft === undefined || workspace1 === undefined) {
    throw new StackError('--ports takes 0, or four ports: weft,workspace1,workspace2,idp')
  }
  const given = numbers.filter((port) => port !== 0)
  if (new Set(given).size < given.length) throw new StackError('--ports names a port twice')
  return { weft, workspace1, workspace2: workspace2 ?? 0, idp: idp ?? 0 }
}
