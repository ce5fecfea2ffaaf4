import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { credentialsOf } from '../../src/store/connection.ts'

export interface BareDatabase {
  readonly ownerUrl: Secret
  readonly appUrl: Secret
  readonly app: ReturnType<typeof credentialsOf>
  /** As the superuser. */
  sql<T extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>
  drop(): Promise<void>
}

/** A database with an owner and nothing in it yet. */
export async function createBareDatabase(
  superuserUrl: string = inject('superuserUrl')
): Promise<BareDatabase> {
  const name = `weft_bare_${randomBytes(5).toString('hex')}`
  const admin = new pg.Client({ connectionString: superuserUrl })
  await admin.connect()
  await admin.query(`CREATE ROLE ${name}_owner LOGIN CREATEROLE PASSWORD 'owner'`)
  await admin.query(`CREATE DATABASE ${name} OWNER ${name}_owner`)
  const urlFor = (user?: string) => {
    const url = new URL(superuserUrl)
    url.pathname = `/${name}`
    if (user === undefined) return url.href
    url.username = `${name}_${user}`
    url.password = user
    return url.href
  }
  const inside = new pg.Client({ connectionString: urlFor() })
  await inside.connect()
  const appUrl = new Secret(urlFor('app'))
  return {
    ownerUrl: new Secret(urlFor('owner')),
    appUrl,
    app: credentialsOf(appUrl),
    sql: async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await inside.query<T>(text, values)).rows,
    async drop() {
      await inside.end()
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
      await admin.query(`DROP ROLE IF EXISTS ${name}_app, ${name}_owner`)
      await admin.end()
    }
  }
}
