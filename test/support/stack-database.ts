import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'

/** Its process, and where it keeps its data. */
export interface RunningStack {
  readonly dataDir: string
  readonly child: { readonly pid?: number | undefined }
}

/** The database of a stack, as its superuser, who sees every row. */
export async function openDatabase(stack: RunningStack): Promise<pg.Client> {
  const password = readFileSync(join(stack.dataDir, 'postgres.password'), 'utf8').trim()
  const client = new pg.Client({
    host: '127.0.0.1',
    port: postgresPortOf(stack.child.pid ?? 0),
    user: 'postgres',
    password,
    database: 'weft'
  })
  await client.connect()
  return client
}

/** The `-p` of the Postgres that this process started. */
function postgresPortOf(parent: number): number {
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      const isOurs = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
      if (isOurs && args[0]?.endsWith('postgres')) return Number(args[args.indexOf('-p') + 1])
    } catch {
      // it has ended since
    }
  }
  throw new TypeError('the stack has no Postgres')
}
