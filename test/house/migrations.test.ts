import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Fault, readText } from './source.ts'

/** Up to here no version was released that another one could stand beside. */
const lastBefore = '20261122214000_personal_access_tokens'
const mark = /^-- contract: \S.*$/m

/** What the version that still runs, or that one goes back to, would trip over. */
const contractions: readonly (readonly [RegExp, string])[] = [
  [/\bDROP\s+(TABLE|COLUMN|VIEW|TYPE|FUNCTION|DEFAULT)\b/i, 'drops what a running version may use'],
  [/\bRENAME\s+(TO|COLUMN|CONSTRAINT)\b/i, 'renames what a running version may use'],
  [/\bALTER\s+(COLUMN\s+)?\S+\s+(SET\s+DATA\s+)?TYPE\b/i, 'changes the type of a column'],
  [/\bSET\s+NOT\s+NULL\b/i, 'forbids null, which a running version may write']
]

function withoutComments(sql: string): string {
  return sql.replaceAll(/--.*$/gm, '').replaceAll(/\/\*.*?\*\//gs, '')
}

/** Of a table that stands: in a new one every column may be whatever it likes. */
function isMandatoryColumn(statement: string): boolean {
  const added =
    /\bALTER\s+TABLE\b.*?\bADD\s+(?:COLUMN\s+)?(?!CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY)/is
  if (!added.test(statement)) return false
  const columns = statement.split(/,\s*(?=ADD\b)/i)
  return columns.some((column) => /\bNOT\s+NULL\b/i.test(column) && !/\bDEFAULT\b/i.test(column))
}

function contractionsOf(name: string, sql: string): Fault[] {
  if (name <= lastBefore || mark.test(sql)) return []
  return withoutComments(sql)
    .split(';')
    .flatMap((statement) => {
      const words = statement.trim().replaceAll(/\s+/g, ' ').slice(0, 60)
      const found = contractions.flatMap(([pattern, why]) => (pattern.test(statement) ? [why] : []))
      if (isMandatoryColumn(statement))
        found.push('adds a column that a running version does not fill')
      return found.map((why) => `${name}: ${why}, and is not marked "-- contract: why": ${words}`)
    })
}

const names = readdirSync(new URL('../../prisma/migrations/', import.meta.url)).filter((name) =>
  /^\d{14}_/.test(name)
)

describe('H12 two versions stand side by side: a migration only adds', () => {
  test('unless it says that it is the second half of a change', () => {
    const faults = names.flatMap((name) =>
      contractionsOf(name, readText(`prisma/migrations/${name}/migration.sql`))
    )
    expect(faults).toEqual([])
  })

  test.each([
    'DROP TABLE grants',
    'ALTER TABLE grants DROP COLUMN cause',
    'ALTER TABLE grants RENAME COLUMN cause TO reason',
    'ALTER TABLE grants RENAME TO permits',
    'ALTER TABLE grants ALTER COLUMN failures TYPE bigint',
    'ALTER TABLE grants ALTER COLUMN cause SET NOT NULL',
    'ALTER TABLE grants ADD COLUMN reason text NOT NULL',
    `ALTER TABLE grants ADD COLUMN a text NOT NULL DEFAULT '', ADD COLUMN b text NOT NULL`
  ])('%s is refused, and let through where it is marked', (sql) => {
    expect(contractionsOf('99999999999999_next', sql)).toHaveLength(1)
    expect(contractionsOf('99999999999999_next', `-- contract: gone since 2.0\n${sql}`)).toEqual([])
  })

  test.each([
    'CREATE TABLE news (id text NOT NULL, PRIMARY KEY (id))',
    'ALTER TABLE grants ADD COLUMN reason text',
    `ALTER TABLE grants ADD COLUMN reason text NOT NULL DEFAULT ''`,
    'ALTER TABLE grants ADD CONSTRAINT is_told CHECK (cause IS NOT NULL)',
    'DROP INDEX grants_state',
    '-- DROP TABLE grants\nSELECT 1'
  ])('%s is not', (sql) => {
    expect(contractionsOf('99999999999999_next', sql)).toEqual([])
  })
})
