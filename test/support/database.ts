import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { credentialsOf } from '../../src/store/connection.ts'
import { migrate } from '../../src/store/migrations.ts'

export interface TestDatabase {
  /** As the app role, which RLS binds. */
  readonly appUrl: string
  /** As the owner role, which migrates. */
  readonly ownerUrl: string
  /** As the superuser, who sees everything. */
  readonly superuserUrl: string
  drop(): Promise<void>
}

/**
 * A fresh database with every migration applied, an owner role and an app role of its own.
 * @param superuserUrl default: of the Postgres that all tests share
 */
export async function createTestDatabase(
  superuserUrl: string = inject('superuserUrl')
): Promise<TestDatabase> {
  const name = `weft_${randomBytes(6).toString('hex')}`
  await asSuperuser(superuserUrl, async (client) => {
    await client.query(`CREATE ROLE ${name}_owner LOGIN CREATEROLE PASSWORD 'owner'`)
    await client.query(`CREATE DATABASE ${name} OWNER ${name}_owner`)
  })
  const urlFor = (user: string, password: string) => {
    const url = new URL(superuserUrl)
    url.username = user
    url.password = password
    url.pathname = `/${name}`
    return url.href
  }
  const ownerUrl = urlFor(`${name}_owner`, 'owner')
  const appUrl = urlFor(`${name}_app`, 'app')
  await migrate(new Secret(ownerUrl), credentialsOf(new Secret(appUrl)))
  const superuser = new URL(superuserUrl)
  superuser.pathname = `/${name}`
  return {
    appUrl,
    ownerUrl,
    superuserUrl: superuser.href,
    drop: () =>
      asSuperuser(superuserUrl, async (client) => {
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
        await client.query(`DROP ROLE ${name}_app, ${name}_owner`)
      })
  }
}

async function asSuperuser(
  connectionString: string,
  work: (client: pg.Client) => Promise<void>
): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
