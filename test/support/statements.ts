import pg from 'pg'
import { vi } from 'vitest'

/** Everything that this process sends to any Postgres while `work` runs, transactions' own words included. */
export async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query')
  try {
    await work()
    return spy.mock.calls.map(([query]) => textOf(query))
  } finally {
    spy.mockRestore()
  }
}

function textOf(query: unknown): string {
  const isConfig = typeof query === 'object' && query !== null && 'text' in query
  return String(isConfig ? query.text : query)
}
