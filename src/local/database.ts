import pg from 'pg'

const database = 'weft'

export interface DatabaseRoles {
  readonly appRolePassword: string
  readonly ownerRolePassword: string
}

/**
 * As the superuser: the database, and the owner role that migrates it and makes the app role; safe to repeat.
 * @returns the two URLs that Weft is started with
 */
export async function prepareDatabase(superuserUrl: string, roles: DatabaseRoles) {
  const client = new pg.Client({ connectionString: superuserUrl })
  // A server that is stopped meanwhile is told by the next question.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const isThere = async (sql: string) => (await client.query(sql)).rowCount !== 0
    const password = client.escapeLiteral(roles.ownerRolePassword)
    const rights = `LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS NOCREATEDB PASSWORD ${password}`
    const hasOwner = await isThere(`SELECT FROM pg_roles WHERE rolname = 'weft_owner'`)
    await client.query(`${hasOwner ? 'ALTER' : 'CREATE'} ROLE weft_owner ${rights}`)
    if (await isThere(`SELECT FROM pg_roles WHERE rolname = 'weft_app'`)) {
      const appPassword = client.escapeLiteral(roles.appRolePassword)
      await client.query(`ALTER ROLE weft_app PASSWORD ${appPassword}`)
    }
    if (!(await isThere(`SELECT FROM pg_database WHERE datname = '${database}'`))) {
      await client.query(`CREATE DATABASE ${database} OWNER weft_owner`)
    }
  } finally {
    await client.end()
  }
  return {
    appUrl: urlOf(superuserUrl, 'weft_app', roles.appRolePassword),
    ownerUrl: urlOf(superuserUrl, 'weft_owner', roles.ownerRolePassword)
  }
}

function urlOf(superuserUrl: string, user: string, password: string): string {
  const url = new URL(superuserUrl)
  url.protocol = 'postgresql:'
  url.username = user
  url.password = password
  url.pathname = `/${database}`
  return url.href
}
