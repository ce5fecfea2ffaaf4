import pg from 'pg'

/** The first words of what says whom a transaction serves; by them it is known here. */
const scopeWords = "SELECT set_config('weft.tenant'"

/** A connection on which not even this is answered is given up as a whole. */
const beginning = { query_timeout: 5_000 }
const ending = /^(COMMIT|ROLLBACK)$/
const nothing = { rows: [], fields: [], rowCount: 0 }

/**
 * From now on this connection keeps BEGIN, and whom the transaction serves, for the first statement that asks for
 * something, and all of them leave together: two round trips less for each transaction. They are sent in their
 * order and answered in it; where one fails, so does what came with it.
 */
export function pipelineOpenings(client: pg.PoolClient): void {
  let held: pg.QueryConfig[] = []
  const send = (...given: unknown[]): Promise<pg.QueryResult> =>
    Reflect.apply(pg.Client.prototype.query, client, given)

  async function query(...given: unknown[]): Promise<unknown> {
    const [statement] = given
    if (given.length > 1 || !isStatement(statement)) return await send(...given)
    const { text } = statement
    if (text.startsWith('BEGIN')) {
      held = [{ ...statement, ...beginning }]
      return nothing
    }
    if (text.startsWith(scopeWords)) {
      held.push(statement)
      return nothing
    }
    const before = held
    held = []
    if (before.length > 0 && ending.test(text)) return nothing
    const answers = await Promise.all([...before, statement].map((one) => send(one)))
    return answers.at(-1)
  }

  Object.defineProperty(client, 'query', { value: query })
}

function isStatement(given: unknown): given is pg.QueryConfig {
  return typeof given === 'object' && given !== null && 'text' in given
}
