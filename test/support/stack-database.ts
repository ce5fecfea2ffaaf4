import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { processes } from './processes.ts'

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
  for (const { command } of processes().filter((one) => one.parent === parent)) {
    const [, port] = /postgres -D .+? -p (\d+) /.exec(command) ?? []
    if (port !== undefined) return Number(port)
  }
  throw new TypeError('the stack has no Postgres')
}
