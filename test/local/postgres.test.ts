import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { removePostgresData, startPostgres } from '../../src/local/postgres.ts'

let folder: string
let dataDir: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-test-'))
  dataDir = join(folder, 'postgres')
})
afterAll(() => {
  removePostgresData(dataDir)
  rmSync(folder, { recursive: true, force: true })
})

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('data outlives a stop, the password file is for its owner only, and nobody else gets in', async () => {
  const first = await startPostgres({ dataDir, port: 0, durable: false })
  await query(first.superuserUrl, 'create table kept as select 42 as answer')
  expect(await query(first.superuserUrl, 'show listen_addresses')).toEqual([
    { listen_addresses: '127.0.0.1' }
  ])
  const url = new URL(first.superuserUrl)
  url.password = 'wrong'
  await expect(query(url.href, 'select 1')).rejects.toThrow(/password authentication failed/)
  await first.stop()
  await expect(query(first.superuserUrl, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
  expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600)
  const second = await startPostgres({ dataDir, port: 0, durable: false })
  expect(await query(second.superuserUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  await second.stop()
})

test('data in a temporary folder of ours stays in that folder, so that removing it removes all', () => {
  expect(existsSync(join(dataDir, 'PG_VERSION'))).toBe(true)
  expect(statSync(folder).mode & 0o066).toBe(0)
})

test('a lost password is set anew and the data stays', async () => {
  rmSync(`${dataDir}.password`)
  const server = await startPostgres({ dataDir, port: 0, durable: false })
  expect(await query(server.superuserUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  await server.stop()
})

test('a taken port is refused in the words of the server', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  await expect(startPostgres({ dataDir, port, durable: false })).rejects.toThrow(
    new RegExp(`port ${port} is taken[\\s\\S]*Address already in use`)
  )
  other.close()
})

test('data in use by a living process is left alone', async () => {
  const server = await startPostgres({ dataDir, port: 0, durable: false })
  await expect(startPostgres({ dataDir, port: 0, durable: false })).rejects.toThrow(/is in use/)
  expect(await query(server.superuserUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  await server.stop()
})

test('the server ends soon after a kill -9 of its owner, and the next start recovers', async () => {
  const module = new URL('../../src/local/postgres.ts', import.meta.url).href
  const script = `
    const { startPostgres } = await import(${JSON.stringify(module)})
    const server = await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, port: 0, durable: false })
    console.log(server.superuserUrl)
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script])
  const [line] = await once(owner.stdout, 'data')
  const url = String(line).trim()
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
  owner.kill('SIGKILL')
  await expect
    .poll(() => existsSync(join(dataDir, 'postmaster.pid')), { timeout: 5000, interval: 50 })
    .toBe(false)
  const server = await startPostgres({ dataDir, port: 0, durable: false })
  expect(await query(server.superuserUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  await server.stop()
})
