/** One table of what was measured, and what in it can't be trusted. */
export interface Section {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** What the rows can't say; empty: nothing. */
  readonly note: string
  readonly faults: readonly string[]
}

export function sectionText({ title, head, rows, note }: Section): string {
  const parts = [`### ${title}`, table(head, rows), note]
  return parts.filter((part) => part !== '').join('\n\n')
}

export function number(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '–'
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits
  })
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = `|${head.map((_, at) => (at === 0 ? '---' : '--:')).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
