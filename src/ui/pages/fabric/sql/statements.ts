import { askFabric } from '../../../api/client.ts'
import { refusalOf } from '../../../api/fabric-answer.ts'
import type { As } from '../act-as.tsx'

/** Of the workspace's statement API, what the page reads. */
export interface Column {
  readonly name: string
  readonly type_text: string
}

export type Row = readonly (string | null)[]

export interface Chunk {
  readonly data_array?: readonly Row[]
  readonly next_chunk_index?: number
}

export interface Statement {
  readonly statement_id: string
  readonly status: {
    readonly state: 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'CLOSED'
    readonly error?: { readonly error_code?: string; readonly message?: string }
    readonly sql_state?: string
  }
  readonly manifest?: {
    readonly schema: { readonly columns?: readonly Column[] }
    readonly total_row_count?: number
    readonly total_chunk_count?: number
    readonly truncated?: boolean
  }
  readonly result?: Chunk
}

export interface Run {
  readonly sql: string
  readonly catalog?: string | undefined
  readonly schema?: string | undefined
}

/** The most rows that are asked for; a table for people, not an export. */
export const rowLimit = 100_000
const root = 'api/2.0/sql/statements'

/** The statements of one fabric, run as one identity. @throws ProblemError | WorkspaceError */
export function createStatements(fabricId: string, as: As) {
  const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const headers = { 'content-type': 'application/json', 'x-weft-act-as': as }
    const response = await askFabric(fabricId, path, { ...init, headers })
    if (!response.ok) throw await refusalOf(response)
    return await response.json()
  }
  const enc = encodeURIComponent
  return {
    start: ({ sql, catalog, schema }: Run) =>
      ask<Statement>(root, {
        method: 'POST',
        body: JSON.stringify({
          statement: sql,
          wait_timeout: '0s',
          format: 'JSON_ARRAY',
          disposition: 'INLINE',
          row_limit: rowLimit,
          catalog,
          schema
        })
      }),
    look: (id: string, signal: AbortSignal) => ask<Statement>(`${root}/${enc(id)}`, { signal }),
    chunk: (id: string, index: number) => ask<Chunk>(`${root}/${enc(id)}/result/chunks/${index}`),
    cancel: (id: string) => ask<object>(`${root}/${enc(id)}/cancel`, { method: 'POST', body: '{}' })
  }
}
