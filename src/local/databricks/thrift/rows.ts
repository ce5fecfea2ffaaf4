import type { Outcome } from '../api/outcome.ts'
import { bool, i32, i64, list, struct, text, type Written } from './binary.ts'

type Rows = Extract<Outcome, { kind: 'rows' }>

/** TTypeId by the SQL API's name of the type. */
const typeIds: Readonly<Record<string, number>> = {
  BOOLEAN: 0,
  INT: 3,
  LONG: 4,
  STRING: 7,
  NULL: 16
}

/** TTableSchema */
export function schemaOf(columns: Rows['columns']): Written {
  const described = columns.map(({ name, type_name: typeName }, index) => {
    const entry = struct({ 1: struct({ 1: i32(typeIds[typeName] ?? 7) }) })
    return struct({
      1: text(name),
      2: struct({ 1: list('struct', [entry]) }),
      3: i32(index + 1)
    })
  })
  return struct({ 1: list('struct', described) })
}

/** TRowSet, column by column: `length` rows from `offset` on. */
export function rowSetOf({ columns, rows }: Rows, offset: number, length: number): Written {
  const page = rows.slice(offset, offset + length)
  const written = columns.map(({ type_name: typeName }, index) =>
    columnOf(
      typeName,
      page.map((row) => row[index] ?? null)
    )
  )
  return struct({
    1: i64(BigInt(offset)),
    2: list('struct', []),
    3: list('struct', written)
  })
}

/** TColumn, with a bit for each value that is null. */
function columnOf(typeName: string, cells: readonly (string | null)[]): Written {
  const nulls = Buffer.alloc(Math.ceil(cells.length / 8))
  cells.forEach((cell, index) => {
    if (cell !== null) return
    const byte = Math.floor(index / 8)
    nulls[byte] = (nulls[byte] ?? 0) | (1 << (index % 8))
  })
  const column = (like: 'bool' | 'i32' | 'i64' | 'text', write: (cell: string) => Written) =>
    struct({
      1: list(
        like,
        cells.map((cell) => write(cell ?? (like === 'text' ? '' : '0')))
      ),
      2: text(nulls)
    })
  switch (typeName) {
    case 'BOOLEAN':
      return struct({ 1: column('bool', (cell) => bool(cell === 'true')) })
    case 'INT':
      return struct({ 4: column('i32', (cell) => i32(Number(cell))) })
    case 'LONG':
      return struct({ 5: column('i64', (cell) => i64(BigInt(cell))) })
    default:
      return struct({ 7: column('text', text) })
  }
}
