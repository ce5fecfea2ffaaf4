import pg from 'pg'
import { vi } from 'vitest'

/** What this process asked of any Postgres. */
export interface Traffic {
  /** Every statement, transactions' own words included. */
  readonly statements: readonly string[]
  /** How often something was sent and waited for: what leaves together goes there and back together. */
  readonly roundTrips: number
}

/** Everything that this process sends to any Postgres while `work` runs, transactions' own words included. */
export async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  return (await trafficOf(work)).statements
}

/** @param onStatement hears of each as it leaves */
export async function trafficOf(
  work: () => Promise<unknown>,
  onStatement: (statement: string) => void = () => undefined
): Promise<Traffic> {
  const { query } = pg.Client.prototype
  const underWay = new WeakMap<object, number>()
  const statements: string[] = []
  let roundTrips = 0
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...given: unknown[]
  ) {
    const before = underWay.get(this) ?? 0
    if (before === 0) roundTrips += 1
    const statement = textOf(given[0])
    statements.push(statement)
    onStatement(statement)
    underWay.set(this, before + 1)
    const answer: unknown = Reflect.apply(query, this, given)
    const isAnswered = () => underWay.set(this, (underWay.get(this) ?? 1) - 1)
    if (answer instanceof Promise) answer.then(isAnswered, isAnswered)
    else isAnswered()
    return answer
  })
  try {
    await work()
    return { statements, roundTrips }
  } finally {
    spy.mockRestore()
  }
}

function textOf(query: unknown): string {
  const isConfig = typeof query === 'object' && query !== null && 'text' in query
  return String(isConfig ? query.text : query)
}
