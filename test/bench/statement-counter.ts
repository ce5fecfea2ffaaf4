import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** A way to Postgres that writes down what is asked on it, one line for each time that an answer is waited for. */
export interface StatementCounter {
  /** The database's URL by this way. */
  readonly url: string
  /** The first statement of each round trip, in order. */
  readonly roundTrips: readonly string[]
  close(): Promise<void>
}

/** Of a message: its type, and its length, which counts itself. */
const headBytes = 5

/** @see https://www.postgresql.org/docs/18/protocol-message-formats.html */
export async function startStatementCounter(databaseUrl: string): Promise<StatementCounter> {
  const target = new URL(databaseUrl)
  const roundTrips: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    const read = createReader((statement) => roundTrips.push(statement))
    client.setNoDelay()
    client.on('data', read)
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

/** Follows one connection's requests: simple queries, and extended ones up to their Sync. */
function createReader(onRoundTrip: (statement: string) => void): (chunk: Buffer) => void {
  const prepared = new Map<string, string>()
  let rest: Buffer = Buffer.alloc(0)
  let isStarted = false
  let statements: string[] = []

  function take(type: string, body: Buffer): void {
    const [first = '', second = ''] = body.toString('utf8').split('\0', 2)
    if (type === 'Q') onRoundTrip(first)
    if (type === 'P') prepared.set(first, second)
    if (type === 'B') statements.push(prepared.get(second) ?? '?')
    if (type !== 'S') return
    onRoundTrip(statements.join('; '))
    statements = []
  }

  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    // The first message has a length and no type.
    if (!isStarted) {
      if (rest.length < 4 || rest.length < rest.readInt32BE(0)) return
      rest = rest.subarray(rest.readInt32BE(0))
      isStarted = true
    }
    while (rest.length >= headBytes && rest.length > rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1)
      take(String.fromCharCode(rest[0] ?? 0), rest.subarray(headBytes, end))
      rest = rest.subarray(end)
    }
  }
}
