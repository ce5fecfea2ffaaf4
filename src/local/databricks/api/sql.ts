import type { Identity } from '../registry.ts'
import { lookAt } from './catalogs.ts'
import type { Column, Outcome } from './outcome.ts'

const rowsMax = 1_000_000
const range = /^select\s+(?:\*|id|count\(\*\))\s+from\s+range\(\s*(\d+)\s*\)$/i

/** Runs the handful of statements that this workspace understands: constants, identity, `range`, DDL. */
export function run(statement: string, caller: Identity, body: Record<string, unknown>): Outcome {
  const sql = statement.trim().replace(/;\s*$/, '').trim()
  const counted = range.exec(sql)
  if (counted) return rangeOf(Number(counted[1]), /count/i.test(sql), limitOf(body))
  const selected = /^select\s+(.+?)$/is.exec(sql)
  if (selected && !/\sfrom\s/i.test(sql)) return constants(selected[1] ?? '', sql, caller, body)
  const table = /\sfrom\s+([\w.`]+)/i.exec(sql)
  if (selected && table) return noSuchTable(table[1] ?? '')
  const looked = lookAt(sql)
  if (looked) return looked
  if (/^(create|drop|use|set|alter)\b/i.test(sql)) return { kind: 'nothing' }
  return syntaxError(sql)
}

function constants(
  list: string,
  sql: string,
  caller: Identity,
  body: Record<string, unknown>
): Outcome {
  const items = list.match(/(?:'[^']*'|\([^)]*\)|[^,'(])+/g) ?? []
  const cells = items.map((item) => constant(item.trim(), caller, body))
  const fault = cells.find((cell) => 'kind' in cell)
  if (fault && 'kind' in fault) return fault
  const good = cells.filter((cell) => 'value' in cell)
  if (good.length === 0) return syntaxError(sql)
  return {
    kind: 'rows',
    columns: good.map(({ column }) => column),
    rows: [good.map(({ value }) => value)],
    isTruncated: false
  }
}

type Cell = { readonly column: Column; readonly value: string | null } | Outcome

function constant(item: string, caller: Identity, body: Record<string, unknown>): Cell {
  const [, expression = item, alias] = /^(.+?)(?:\s+as\s+`?(\w+)`?)?$/is.exec(item) ?? []
  const cell = (text: string, type: string, value: string | null): Cell => {
    return { column: { name: alias ?? expression, type_text: text, type_name: type }, value }
  }
  if (/^-?\d+$/.test(expression)) return cell('INT', 'INT', expression)
  if (/^'[^']*'$/.test(expression)) return cell('STRING', 'STRING', expression.slice(1, -1))
  if (/^(true|false)$/i.test(expression))
    return cell('BOOLEAN', 'BOOLEAN', expression.toLowerCase())
  if (/^null$/i.test(expression)) return cell('VOID', 'NULL', null)
  if (/^current_user\(\)$/i.test(expression)) return cell('STRING', 'STRING', caller.userName)
  if (/^\d+\s*\/\s*0$/.test(expression)) {
    const message = '[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012'
    return { kind: 'failed', message, sqlState: '22012' }
  }
  if (expression.startsWith(':'))
    return cell('STRING', 'STRING', parameter(expression.slice(1), body))
  const message = `[UNRESOLVED_COLUMN.WITHOUT_SUGGESTION] A column with name \`${expression}\` cannot be resolved. SQLSTATE: 42703`
  return { kind: 'failed', message, sqlState: '42703' }
}

function parameter(name: string, { parameters }: Record<string, unknown>): string | null {
  const list: { name?: unknown; value?: unknown }[] = Array.isArray(parameters) ? parameters : []
  const found = list.find((one) => one.name === name)
  return typeof found?.value === 'string' ? found.value : null
}

function rangeOf(length: number, isCounted: boolean, limit: number): Outcome {
  if (length > rowsMax) return { kind: 'endless' }
  const name = isCounted ? 'count(1)' : 'id'
  const all = isCounted ? [[String(length)]] : Array.from({ length }, (_, id) => [String(id)])
  const columns = [{ name, type_text: 'BIGINT', type_name: 'LONG' }]
  return { kind: 'rows', columns, rows: all.slice(0, limit), isTruncated: all.length > limit }
}

function limitOf(body: Record<string, unknown>): number {
  return typeof body.row_limit === 'number' ? body.row_limit : Number.POSITIVE_INFINITY
}

function noSuchTable(table: string): Outcome {
  const message = `[TABLE_OR_VIEW_NOT_FOUND] The table or view \`${table.replaceAll('`', '')}\` cannot be found. SQLSTATE: 42P01`
  return { kind: 'failed', message, sqlState: '42P01' }
}

function syntaxError(sql: string): Outcome {
  const near = sql.split(/\s+/)[0] ?? ''
  const message = `[PARSE_SYNTAX_ERROR] Syntax error at or near '${near}'. SQLSTATE: 42601 (line 1, pos 0)`
  return { kind: 'failed', message, sqlState: '42601' }
}
