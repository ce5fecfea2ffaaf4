import { type Input, type OperationId, open } from './client.ts'
import { type Problem, ProblemError } from './problem.ts'

export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/** Server-sent events (HTML Standard §9.2) of an answer, each as it comes. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  if (response.body === null) return
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).replaceAll('\r\n', '\n').split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) yield eventOf(block)
  }
  if (rest.trim() !== '') yield eventOf(rest)
}

function eventOf(block: string): ServerEvent {
  const lines = block.split('\n')
  const valuesOf = (field: string) =>
    lines
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).replace(/^ /, ''))
  return { event: valuesOf('event')[0] ?? 'message', data: valuesOf('data').join('\n') }
}

/** What a step that takes long is at. */
export interface Progress {
  readonly step: string
  readonly detail: string
}

/**
 * Runs an operation that answers step by step. @returns its result
 * @throws ProblemError also where the problem comes in the middle
 */
export async function runSteps<Step, Result>(
  id: OperationId,
  input: Input<OperationId>,
  on: { step(step: Step): void; progress?(progress: Progress): void },
  signal?: AbortSignal
): Promise<Result> {
  const options = signal ? { signal } : {}
  const response = await open(id, input, { ...options, accept: 'text/event-stream' })
  for await (const { event, data } of eventsOf(response)) {
    if (event === 'step') on.step(JSON.parse(data))
    if (event === 'progress') on.progress?.(JSON.parse(data))
    if (event === 'result') return JSON.parse(data)
    if (event === 'problem') {
      const problem: Problem = JSON.parse(data)
      throw new ProblemError(problem, response.headers.get('x-request-id'))
    }
  }
  throw new ProblemError(
    {
      type: 'about:blank',
      title: 'The connection was lost before the end',
      detail: 'Run it again; steps that passed pass again.',
      status: 0,
      instance: '',
      code: 'internal',
      owner: 'platform'
    },
    response.headers.get('x-request-id')
  )
}
