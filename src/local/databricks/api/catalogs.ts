import type { Outcome } from './outcome.ts'

/** What everybody sees, and `restricted`, which nobody may use. */
const catalogs: Readonly<Record<string, readonly string[]>> = {
  hive_metastore: ['default'],
  main: ['default', 'sales', 'information_schema'],
  samples: ['nyctaxi', 'tpch'],
  restricted: ['default']
}
const defaultCatalog = 'main'
const name = '(`(?:[^`]|``)+`|\\w+)'
const showSchemas = new RegExp(
  `^show\\s+(?:schemas|databases)(?:\\s+(?:in|from)\\s+${name})?$`,
  'i'
)
const describeSchema = new RegExp(
  `^(?:describe|desc)\\s+(?:schema|database)\\s+(?:${name}\\.)?${name}$`,
  'i'
)

/** SHOW SCHEMAS and DESCRIBE SCHEMA; undefined: the statement is neither. */
export function lookAt(sql: string): Outcome | undefined {
  const shown = showSchemas.exec(sql)
  if (shown) return inCatalog(plain(shown[1]) ?? defaultCatalog, rowsOf)
  const described = describeSchema.exec(sql)
  if (!described) return undefined
  const catalog = plain(described[1]) ?? defaultCatalog
  const schema = plain(described[2]) ?? ''
  return inCatalog(catalog, (schemas) =>
    schemas.includes(schema)
      ? rowsOf([schema])
      : failed(
          'SCHEMA_NOT_FOUND',
          `The schema \`${catalog}\`.\`${schema}\` cannot be found.`,
          '42704'
        )
  )
}

function inCatalog(catalog: string, then: (schemas: readonly string[]) => Outcome): Outcome {
  const schemas = Object.hasOwn(catalogs, catalog) ? catalogs[catalog] : undefined
  if (schemas === undefined) {
    return failed('NO_SUCH_CATALOG_EXCEPTION', `Catalog '${catalog}' was not found.`, '42704')
  }
  if (catalog !== 'restricted') return then(schemas)
  const message = `Insufficient privileges: User does not have USE CATALOG on Catalog '${catalog}'.`
  return failed('INSUFFICIENT_PERMISSIONS', message, '42501')
}

function failed(condition: string, message: string, sqlState: string): Outcome {
  return { kind: 'failed', message: `[${condition}] ${message} SQLSTATE: ${sqlState}`, sqlState }
}

function rowsOf(schemas: readonly string[]): Outcome {
  return {
    kind: 'rows',
    columns: [{ name: 'databaseName', type_text: 'STRING', type_name: 'STRING' }],
    rows: schemas.map((schema) => [schema]),
    isTruncated: false
  }
}

function plain(text: string | undefined): string | undefined {
  return text?.startsWith('`') ? text.slice(1, -1).replaceAll('``', '`') : text
}
