import { randomUUID } from 'node:crypto'
import { type Answer, type Call, ok, type Route, type WorkspaceDeps, withBody } from './answer.ts'
import type { Cluster } from './compute.ts'
import { evaluatePython } from './python.ts'
import { run } from './sql.ts'

interface Context {
  readonly id: string
  readonly clusterId: string
  readonly language: string
  readonly variables: Parameters<typeof evaluatePython>[1]
  readonly commands: Map<string, Command>
}

interface Command {
  readonly id: string
  readonly results: Record<string, unknown>
  /** On the monotonic clock. */
  readonly startsAtMs: number
  readonly endsAtMs: number
  isCancelled: boolean
}

type Members = Readonly<Record<string, unknown>>

const languages = ['python', 'scala', 'sql', 'r']
const queuedMs = 10

/** Command Execution 1.2, whose members are camelCase and whose errors are `{"error":"Class: text"}`. */
export function createCommands(
  deps: WorkspaceDeps,
  findCluster: (id: unknown) => Cluster | undefined
) {
  const contexts = new Map<string, Context>()
  const nowMs = () => deps.clock.monotonicMs()

  const withCluster = (given: Members, then: (cluster: Cluster) => Answer): Answer => {
    const cluster = findCluster(given.clusterId)
    if (!cluster)
      return refuse(400, `InvalidParameterException: Cluster ${given.clusterId} does not exist`)
    if (cluster.state === 'RUNNING') return then(cluster)
    return refuse(500, 'ClusterNotReadyException: Cluster not running')
  }
  const withContext = (given: Members, then: (context: Context) => Answer): Answer =>
    withCluster(given, (cluster) => {
      const context = contexts.get(String(given.contextId))
      if (context?.clusterId === cluster.id) return then(context)
      return refuse(500, `ContextNotFoundException: Context ${given.contextId} not found`)
    })
  const withCommand = (given: Members, then: (command: Command) => Answer): Answer =>
    withContext(given, (context) => {
      const command = context.commands.get(String(given.commandId))
      if (command) return then(command)
      return refuse(500, `CommandNotFoundException: Command ${given.commandId} not found`)
    })

  const create = withBody((_call, given) =>
    withCluster(given, (cluster) => {
      const language = String(given.language)
      if (!languages.includes(language)) {
        return refuse(400, `IllegalArgumentException: Unsupported language ${language}`)
      }
      const id = hexId()
      const context = { id, clusterId: cluster.id, language, variables: new Map() }
      contexts.set(id, { ...context, commands: new Map() })
      return ok({ id })
    })
  )
  const destroy = withBody((_call, given) =>
    withContext(given, ({ id }) => {
      contexts.delete(id)
      return ok({ id })
    })
  )
  const execute = withBody((call, given) =>
    withContext(given, (context) => {
      if (typeof given.command !== 'string') return refuse(400, 'IllegalArgumentException: command')
      const { results, sleepsMs } = evaluate(call, context, given.command, given.language)
      const startsAtMs = nowMs() + Math.min(queuedMs, deps.faults.current.commandRunsMs)
      const endsAtMs = nowMs() + deps.faults.current.commandRunsMs + sleepsMs
      const command = { id: hexId(), results, startsAtMs, endsAtMs, isCancelled: false }
      context.commands.set(command.id, command)
      return ok({ id: command.id })
    })
  )
  const cancel = withBody((_call, given) =>
    withCommand(given, (command) => {
      if (nowMs() < command.endsAtMs) command.isCancelled = true
      return ok({ id: command.id })
    })
  )
  const describe = ({ id, results, startsAtMs, endsAtMs, isCancelled }: Command) => {
    if (isCancelled) return ok({ id, status: 'Cancelled', results: null })
    if (nowMs() >= endsAtMs) return ok({ id, status: 'Finished', results })
    return ok({ id, status: nowMs() < startsAtMs ? 'Queued' : 'Running', results: null })
  }
  const queryOf = (call: Call): Members => Object.fromEntries(call.query)

  return {
    routes: [
      route('POST', 'contexts/create', create),
      route('POST', 'contexts/destroy', destroy),
      route('GET', 'contexts/status', (call) =>
        withContext(queryOf(call), ({ id }) => ok({ id, status: 'Running' }))
      ),
      route('POST', 'commands/execute', execute),
      route('POST', 'commands/cancel', cancel),
      route('GET', 'commands/status', (call) => withCommand(queryOf(call), describe))
    ]
  }
}

function evaluate(call: Call, context: Context, command: string, asked: unknown) {
  const language = typeof asked === 'string' ? asked : context.language
  if (language === 'sql') return { results: sqlResults(call, command), sleepsMs: 0 }
  if (language !== 'python') {
    const text = `${language} is not simulated`
    return { results: errorResults('UnsupportedOperationException', text), sleepsMs: 0 }
  }
  const outcome = evaluatePython(command, context.variables)
  if (outcome.kind === 'error') {
    return { results: errorResults(outcome.name, outcome.message), sleepsMs: 0 }
  }
  return { results: { resultType: 'text', data: outcome.text }, sleepsMs: outcome.sleepsMs }
}

function sqlResults(call: Call, command: string) {
  const outcome = run(command, call.caller, {})
  if (outcome.kind === 'failed') return errorResults('AnalysisException', outcome.message)
  const columns = outcome.kind === 'rows' ? outcome.columns : []
  const rows = outcome.kind === 'rows' ? outcome.rows : []
  return {
    resultType: 'table',
    data: rows.map((row) => row.map((cell, index) => typed(cell, columns[index]?.type_name))),
    schema: columns.map(({ name, type_name: type }) => {
      return { name, type: JSON.stringify(schemaTypes[type] ?? 'string'), metadata: '{}' }
    }),
    truncated: false,
    isJsonSchema: true
  }
}

const schemaTypes: Readonly<Record<string, string>> = {
  INT: 'integer',
  LONG: 'long',
  BOOLEAN: 'boolean',
  NULL: 'void'
}

function typed(cell: string | null, type: string | undefined): unknown {
  if (cell === null || type === undefined) return null
  if (type === 'INT' || type === 'LONG') return BigInt(cell)
  return type === 'BOOLEAN' ? cell === 'true' : cell
}

function errorResults(name: string, message: string) {
  return {
    resultType: 'error',
    summary: `<span class="ansi-red-fg">${name}</span>: ${message}`,
    cause: `---------------------------------------------------------------------------\n${name}\
                                 Traceback (most recent call last)\n${name}: ${message}`
  }
}

function refuse(status: number, error: string): Answer {
  return { status, json: { error } }
}

function hexId(): string {
  return randomUUID().replaceAll('-', '')
}

function route(method: string, verb: string, handle: Route['handle']): Route {
  const pattern = new RegExp(`^/api/1\\.2/${verb}$`)
  return { method, pattern, scope: 'command-execution', handle }
}
