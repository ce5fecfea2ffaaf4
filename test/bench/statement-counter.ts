import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to Postgres that writes down what is asked on it, one line for each time that an answer is waited for. */
export interface StatementCounter {
  /** The database's URL by this way. */
  readonly url: string
  /** The statements of each round trip, those that were sent before an earlier one was answered included. */
  readonly roundTrips: readonly string[]
  close(): Promise<void>
}

export async function startStatementCounter(databaseUrl: string): Promise<StatementCounter> {
  const target = new URL(databaseUrl)
  const roundTrips: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    const line = followLine(roundTrips)
    client.setNoDelay()
    client.on('data', line.ask)
    upstream.on('data', line.answer)
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        client.destroy()
        upstream.destroy()
        sockets.delete(socket)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    roundTrips,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/**
 * One connection: simple queries and extended ones up to their Sync, each answered by a ReadyForQuery.
 * @see https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
function followLine(roundTrips: string[]) {
  const prepared = new Map<string, string>()
  let statements: string[] = []
  // The start is answered so too.
  let unanswered = 1
  /** Where this connection's latest round trip stands. */
  let own = -1

  function send(statement: string): void {
    if (unanswered === 0) own = roundTrips.push(statement) - 1
    else if (own >= 0) roundTrips[own] += `; ${statement}`
    unanswered += 1
  }

  const ask = createReader(false, (type, body) => {
    const [first = '', second = ''] = body.toString('utf8').split('\0', 2)
    if (type === 'Q') send(first)
    if (type === 'P') prepared.set(first, second)
    if (type === 'B') statements.push(prepared.get(second) ?? '?')
    if (type !== 'S') return
    send(statements.join('; '))
    statements = []
  })
  const answer = createReader(true, (type) => {
    if (type === 'Z') unanswered -= 1
  })
  return { ask, answer }
}

/** Of a message: its type, and its length, which counts itself. */
const headBytes = 5

/** @param isStarted false: the first message has a length and no type */
function createReader(
  isStarted: boolean,
  take: (type: string, body: Buffer) => void
): (chunk: Buffer) => void {
  let isTyped = isStarted
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    if (!isTyped) {
      if (rest.length < 4 || rest.length < rest.readInt32BE(0)) return
      rest = rest.subarray(rest.readInt32BE(0))
      isTyped = true
    }
    while (rest.length >= headBytes && rest.length > rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1)
      take(String.fromCharCode(rest[0] ?? 0), rest.subarray(headBytes, end))
      rest = rest.subarray(end)
    }
  }
}
