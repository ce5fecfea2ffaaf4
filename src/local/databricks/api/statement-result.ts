import type { Outcome } from './outcome.ts'
import type { ResultLinks } from './result-links.ts'

export interface Form {
  /** The rows are fetched from links, not found in the answer. */
  readonly isExternal: boolean
  readonly format: 'JSON_ARRAY' | 'CSV'
}

export interface Result {
  readonly id: string
  readonly outcome: Outcome
  readonly form: Form
}

export const root = '/api/2.0/sql/statements'

const rowsPerChunk = 10_000

export function chunkCount(result: Result): number {
  return Math.ceil(rowsOf(result).length / rowsPerChunk)
}

export function manifestOf(result: Result) {
  const { outcome, form } = result
  const columns = outcome.kind === 'rows' ? outcome.columns : []
  const chunks = Array.from({ length: chunkCount(result) }, (_, index) => extentOf(result, index))
  const sizes = form.isExternal ? chunks.map((_, index) => bytesOf(result, index).length) : []
  return {
    format: form.format,
    schema: {
      column_count: columns.length,
      columns: columns.map((column, position) => ({ ...column, position }))
    },
    total_chunk_count: chunks.length,
    ...(chunks.length > 0
      ? {
          chunks: chunks.map((chunk, index) =>
            form.isExternal ? { ...chunk, byte_count: sizes[index] } : chunk
          )
        }
      : {}),
    total_row_count: rowsOf(result).length,
    ...(form.isExternal ? { total_byte_count: sizes.reduce((sum, size) => sum + size, 0) } : {}),
    truncated: outcome.kind === 'rows' && outcome.isTruncated
  }
}

/** The member `result` for one chunk: its rows, or a fresh link to them. */
export function chunkOf(result: Result, index: number, links: ResultLinks) {
  const extent = extentOf(result, index)
  const end = extent.row_offset + extent.row_count
  const next =
    end < rowsOf(result).length
      ? {
          next_chunk_index: index + 1,
          next_chunk_internal_link: `${root}/${result.id}/result/chunks/${index + 1}?row_offset=${end}`
        }
      : {}
  if (!result.form.isExternal) {
    return { ...extent, ...next, data_array: rowsOf(result).slice(extent.row_offset, end) }
  }
  const link = {
    ...extent,
    byte_count: bytesOf(result, index).length,
    ...next,
    ...links.issue(result.id, index)
  }
  return { external_links: [link] }
}

/** What a link leads to: the rows of one chunk. */
export function bytesOf(result: Result, index: number): Buffer {
  const start = index * rowsPerChunk
  const rows = rowsOf(result).slice(start, start + rowsPerChunk)
  if (result.form.format === 'JSON_ARRAY') return Buffer.from(JSON.stringify(rows))
  return Buffer.from(rows.map((row) => `${row.map(csvCell).join(',')}\n`).join(''))
}

function rowsOf({ outcome }: Result) {
  return outcome.kind === 'rows' ? outcome.rows : []
}

function extentOf(result: Result, index: number) {
  const offset = index * rowsPerChunk
  return {
    chunk_index: index,
    row_offset: offset,
    row_count: Math.max(0, Math.min(rowsPerChunk, rowsOf(result).length - offset))
  }
}

function csvCell(cell: string | null): string {
  if (cell === null) return ''
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
