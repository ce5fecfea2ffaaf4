import { auditInventory } from '../../src/audit/inventory/inventory.ts'
import type { Listed } from '../../src/audit/inventory/listed.ts'

/** In docs/audit.md the words between these are printed, the rest is written by hand. */
const begin = '<!-- printed from src/audit/inventory by `npm run openapi` -->'
const end = '<!-- end of what is printed -->'

function rowOf([action, { when, objects, outcomes, details }]: [string, Listed]): string {
  const codes = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(' ') || '–'
  return `| \`${action}\` | ${when} | ${codes(objects)} | ${outcomes.join(', ')} | ${codes(details)} |`
}

/** docs/audit.md with the inventory as it is. */
export function auditText(current: string): string {
  const [before = '', rest = ''] = current.split(begin)
  const [, after = ''] = rest.split(end)
  const rows = Object.entries<Listed>(auditInventory)
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(rowOf)
  const head = ['| action | when | object | outcome | details |', '|---|---|---|---|---|']
  return [before, begin, '\n\n', [...head, ...rows].join('\n'), '\n\n', end, after].join('')
}
