import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { createGatheringSocket } from './gathering-socket.ts'

/**
 * Whether the database answers and takes writes, looked at on a connection of its own, so that no crowd in
 * the pool is taken for an outage and no outage keeps a caller waiting for the pool's own deadlines.
 */
export interface Pulse {
  /** It does not answer, is a standby, or was made read-only: nothing that it says can be trusted. */
  readonly isAway: boolean
  /** For the pool, in place of its own: a connection that ends when the database is found to be away. */
  openSocket(): Socket
  start(): void
  stop(): Promise<void>
}

/** From one look to the next. */
const pauseMs = 250
/**
 * A look has so many turns of so many milliseconds, so that a call that waits for a frozen database is answered
 * within two seconds. In turns: while this process stands still, none is over, and it reads what came before the next.
 */
const [turnsOfLook, turnMs] = [24, 50]

/** `broken`: the look's own connection ended, which says little of the server. */
type Beat = 'good' | 'silent' | 'broken' | 'read_only'

/** The look's own connection, which is given up as a whole. */
interface Probe {
  readonly client: pg.Client
  readonly socket: Socket
}

export function createPulse(connectionString: string): Pulse {
  const sockets = new Set<Socket>()
  let probe: Probe | null = null
  let isAway = false
  let isStopped = false
  let loop: Promise<void> = Promise.resolve()

  async function openProbe(): Promise<Probe> {
    const socket = new Socket()
    const client = new pg.Client({ connectionString, stream: () => socket })
    client.on('error', () => undefined)
    probe = { client, socket }
    await client.connect()
    return probe
  }

  function dropProbe(): void {
    probe?.socket.destroy()
    probe = null
  }

  async function look(): Promise<Beat> {
    try {
      const { client } = probe ?? (await openProbe())
      const { rows } = await client.query<{ on: string }>(
        `SELECT current_setting('transaction_read_only') AS on`
      )
      return rows[0]?.on === 'off' ? 'good' : 'read_only'
    } catch (error) {
      // It answers, and has no connection left for us.
      return error instanceof pg.DatabaseError && error.code === '53300' ? 'good' : 'broken'
    }
  }

  /** What stood before and has been answered since is proof of life, however long a queue there is. */
  function listen(): () => boolean {
    const before = new Map([...sockets].map((socket) => [socket, socket.bytesRead]))
    const isHeard = ([socket, bytes]: [Socket, number]) =>
      sockets.has(socket) && socket.bytesRead > bytes
    return () => [...before].some(isHeard)
  }

  async function beat(): Promise<Beat> {
    const hasBeenHeard = listen()
    const isOver = new AbortController()
    const silence = waitTurns(isOver.signal).then(
      (): Beat => (hasBeenHeard() ? 'good' : 'silent'),
      (): Beat => 'good'
    )
    const found = await Promise.race([look(), silence])
    isOver.abort()
    // A connection that stands may lead to a server that is no longer the one to ask.
    if (found !== 'good') dropProbe()
    return found
  }

  function goAway(): void {
    isAway = true
    for (const socket of sockets) socket.destroy(reset())
  }

  async function watch(): Promise<void> {
    while (!isStopped) {
      const first = await beat()
      const isAskedAgain = first === 'broken' && !isAway && !isStopped
      const found = isAskedAgain ? await beat() : first
      if (isStopped) break
      if (found === 'good') isAway = false
      else if (!isAway) goAway()
      await delay(pauseMs, undefined, { ref: false })
    }
  }

  return {
    get isAway() {
      return isAway
    },
    openSocket() {
      const socket = createGatheringSocket()
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      if (isAway) setImmediate(() => socket.destroy(reset()))
      return socket
    },
    start() {
      loop = watch()
    },
    async stop() {
      isStopped = true
      dropProbe()
      await loop.catch(() => undefined)
    }
  }
}

async function waitTurns(signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < turnsOfLook; turn += 1) await delay(turnMs, undefined, { signal })
}

function reset(): Error {
  return Object.assign(new Error('the database is away'), { code: 'ECONNRESET' })
}
