import { useCallback, useEffect, useRef, useState } from 'react'
import { WorkspaceError } from '../../../api/fabric-answer.ts'
import type { As } from '../act-as.tsx'
import { type Column, createStatements, type Row, type Run, type Statement } from './statements.ts'

export interface Result {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  readonly totalRows: number
  readonly isTruncated: boolean
  readonly nextChunk: number | null
}

export interface StatementRun {
  readonly status: 'idle' | 'sending' | 'waiting' | 'running' | 'done' | 'canceled' | 'failed'
  readonly startedAt: number
  readonly totalMs: number | null
  readonly statementId: string | null
  readonly result: Result | null
  readonly error: unknown
}

const idle: StatementRun = {
  status: 'idle',
  startedAt: 0,
  totalMs: null,
  statementId: null,
  result: null,
  error: null
}
const pollFirstMs = 150
const pollMaxMs = 3_000

function resultOf({ manifest, result }: Statement): Result {
  return {
    columns: manifest?.schema.columns ?? [],
    rows: result?.data_array ?? [],
    totalRows: manifest?.total_row_count ?? 0,
    isTruncated: manifest?.truncated ?? false,
    nextChunk: result?.next_chunk_index ?? null
  }
}

function failureOf({ status }: Statement): WorkspaceError {
  const { error, sql_state: sqlState, state } = status
  const message = error?.message ?? `The statement ended as ${state.toLowerCase()}.`
  return new WorkspaceError(null, error?.error_code ?? sqlState ?? null, message, null)
}

/** Nobody waits for it any more, and what it costs has to end as well; one that has ended stays as it is. */
async function stop(statements: ReturnType<typeof createStatements>, id: string): Promise<void> {
  await statements.cancel(id).catch(() => {})
}

/** Waits, unless it is left meanwhile. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    reject(signal.reason)
  })
  return promise
}

/** One statement at a time: run, watched until it ends, its rows fetched piece by piece, cancelled. */
export function useStatement(fabricId: string, as: As) {
  const [run, setRun] = useState(idle)
  const current = useRef<{ id: string | null; left: AbortController } | null>(null)
  const change = (part: Partial<StatementRun>) => setRun((now) => ({ ...now, ...part }))

  const cancel = useCallback(async () => {
    const mine = current.current
    current.current = null
    if (mine === null) return
    mine.left.abort()
    setRun((now) => ({ ...now, status: 'canceled', totalMs: performance.now() - now.startedAt }))
    if (mine.id !== null) await stop(createStatements(fabricId, as), mine.id)
  }, [fabricId, as])
  const leave = useRef(cancel)
  leave.current = cancel
  useEffect(() => () => void leave.current(), [])

  const start = async (wanted: Run) => {
    await cancel()
    const mine = { id: null as string | null, left: new AbortController() }
    current.current = mine
    const { signal } = mine.left
    const startedAt = performance.now()
    const totalMs = () => performance.now() - startedAt
    const statements = createStatements(fabricId, as)
    setRun({ ...idle, status: 'sending', startedAt })
    try {
      let seen = await statements.start(wanted)
      mine.id = seen.statement_id
      if (signal.aborted) return await stop(statements, mine.id)
      change({ statementId: mine.id })
      for (let waitMs = pollFirstMs; /PENDING|RUNNING/.test(seen.status.state); ) {
        change({ status: seen.status.state === 'PENDING' ? 'waiting' : 'running' })
        await pause(waitMs, signal)
        waitMs = Math.min(waitMs * 1.5, pollMaxMs)
        seen = await statements.look(mine.id, signal)
      }
      current.current = null
      if (seen.status.state !== 'SUCCEEDED') throw failureOf(seen)
      change({ status: 'done', result: resultOf(seen), totalMs: totalMs() })
    } catch (error) {
      if (signal.aborted) return
      current.current = null
      change({ status: 'failed', error, totalMs: totalMs() })
    }
  }

  /** The rows that come next. */
  const more = async () => {
    const { result, statementId } = run
    if (result === null || result.nextChunk === null || statementId === null) return
    const chunk = await createStatements(fabricId, as).chunk(statementId, result.nextChunk)
    const rows = [...result.rows, ...(chunk.data_array ?? [])]
    change({ result: { ...result, rows, nextChunk: chunk.next_chunk_index ?? null } })
  }
  return { ...run, start, cancel, more }
}
