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

const template = 'weft_template'
/** Any number will do: whoever comes first makes the template, the others wait for it. */
const templateLock = 7_734_002

/**
 * A fresh database with every migration applied, a copy of one that was migrated once. Its owner role and its
 * app role are the same in every copy.
 * @param superuserUrl default: of the Postgres that all tests share
 */
export async function createTestDatabase(
  superuserUrl: string = inject('superuserUrl')
): Promise<TestDatabase> {
  const name = `weft_${randomBytes(6).toString('hex')}`
  const urls = urlsOf(superuserUrl, name)
  await asSuperuser(superuserUrl, async (client) => {
    await makeTemplate(client, superuserUrl)
    await client.query(`CREATE DATABASE ${name} OWNER weft_owner TEMPLATE ${template}`)
  })
  return {
    ...urls,
    drop: () =>
      asSuperuser(superuserUrl, async (client) => {
        await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
      })
  }
}

async function makeTemplate(client: pg.Client, superuserUrl: string): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [templateLock])
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [template])
  if (rowCount === 0) {
    const unfinished = `${template}_unfinished`
    await client.query(`CREATE ROLE weft_owner LOGIN CREATEROLE PASSWORD 'owner'`)
    await client.query(`CREATE DATABASE ${unfinished} OWNER weft_owner`)
    const { ownerUrl, appUrl } = urlsOf(superuserUrl, unfinished)
    await migrate(new Secret(ownerUrl), credentialsOf(new Secret(appUrl)))
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`)
  }
  await client.query('SELECT pg_advisory_unlock($1)', [templateLock])
}

function urlsOf(superuserUrl: string, name: string) {
  const urlFor = (account: { user: string; password: string } | null) => {
    const url = new URL(superuserUrl)
    if (account !== null) Object.assign(url, { username: account.user, password: account.password })
    url.pathname = `/${name}`
    return url.href
  }
  return {
    appUrl: urlFor({ user: 'weft_app', password: 'app' }),
    ownerUrl: urlFor({ user: 'weft_owner', password: 'owner' }),
    superuserUrl: urlFor(null)
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
