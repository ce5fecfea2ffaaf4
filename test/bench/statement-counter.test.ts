import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { startStatementCounter } from './statement-counter.ts'

test('each wait for the database is one round trip, by whatever protocol it was asked', async () => {
  const counter = await startStatementCounter(inject('superuserUrl'))
  const client = new pg.Client({ connectionString: counter.url, pipeline: true })
  await client.connect()
  await client.query('BEGIN')
  await client.query('SELECT $1::int AS n', [1])
  const named = { name: 'long', text: 'SELECT length($1) AS n' }
  const long = await client.query<{ n: number }>({ ...named, values: ['x'.repeat(300_000)] })
  expect(long.rows).toEqual([{ n: 300_000 }])
  await client.query({ ...named, values: ['again, and not parsed again'] })
  await client.query('COMMIT')
  // Sent before either is answered: on the wire at once, and waited for once.
  await Promise.all([client.query('SELECT 2'), client.query('SELECT 3')])
  await client.end()
  await counter.close()
  expect(counter.roundTrips).toEqual([
    'BEGIN',
    'SELECT $1::int AS n',
    'SELECT length($1) AS n',
    'SELECT length($1) AS n',
    'COMMIT',
    'SELECT 2; SELECT 3'
  ])
})
