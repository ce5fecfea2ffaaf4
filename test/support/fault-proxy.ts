import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What the proxy does to every connection, those that stand included. */
export type FaultMode =
  | { readonly kind: 'pass' }
  /** New connections are reset at once, standing ones too. */
  | { readonly kind: 'refuse' }
  /** Connections are accepted and nothing comes through: a black hole. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'latency'; readonly ms: number }
  /** The answer's direction is closed after its first bytes, the other stays open. */
  | { readonly kind: 'half_close' }
  /** The connection is reset once so many bytes of answers have passed. */
  | { readonly kind: 'reset_after'; readonly bytes: number }

/** A point of the traffic at which one connection is stopped. */
export interface StopPoint {
  /** What the client must send, such as a statement's words. */
  readonly seen: RegExp
  /**
   * `request`: those very bytes are held back. `commit`: they pass, the COMMIT that follows on the same
   * connection passes too, and its answer is held back.
   */
  readonly hold: 'request' | 'commit'
  /** How many such requests pass first; default 0. */
  readonly skip?: number
}

export interface Stop {
  /** Resolves when the point is reached. */
  readonly reached: Promise<void>
  /** Lets the connection go on. */
  release(): void
  /** Resets the connection; what was held is lost. */
  cut(): void
}

export interface FaultProxy {
  readonly port: number
  mode: FaultMode
  /** Where connections lead that are made from now on. */
  target: { readonly host: string; readonly port: number }
  /** Connections ever accepted. */
  readonly accepted: number
  /** Bytes both ways wait, whatever the mode, until `resume`. */
  pause(): void
  resume(): void
  stopAt(point: StopPoint): Stop
  close(): Promise<void>
}

interface ProxyState {
  mode: FaultMode
  isPaused: boolean
  readonly stops: PendingStop[]
}

/** One accepted connection and its other half. */
class Line {
  readonly client: Socket
  readonly server: Socket
  readonly #proxy: ProxyState
  #queue: { to: Socket; bytes: Buffer }[] = []
  #answered = 0
  #isHeld = false
  /** Set once the statement was seen; the next COMMIT's answer is held. */
  #awaiting: PendingStop | null = null
  #holdNextAnswer: PendingStop | null = null

  constructor(client: Socket, server: Socket, proxy: ProxyState) {
    this.client = client
    this.server = server
    this.#proxy = proxy
    client.on('data', (bytes) => this.#fromClient(bytes))
    server.on('data', (bytes) => this.#fromServer(bytes))
    client.on('error', () => this.reset())
    server.on('error', () => this.reset())
    client.on('end', () => server.end())
    server.on('end', () => client.end())
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  }

  #fromClient(bytes: Buffer): void {
    const words = bytes.toString('latin1')
    const stop = this.#proxy.stops.find((one) => one.point.seen.test(words))
    if (stop !== undefined && stop.skip > 0) stop.skip -= 1
    else if (stop !== undefined) {
      this.#proxy.stops.splice(this.#proxy.stops.indexOf(stop), 1)
      stop.line = this
      if (stop.point.hold === 'request') this.#hold(stop)
      else this.#awaiting = stop
    }
    // It may leave together with the statement.
    if (this.#awaiting !== null && /COMMIT/i.test(words)) {
      this.#holdNextAnswer = this.#awaiting
      this.#awaiting = null
    }
    this.#pass(this.server, bytes)
  }

  #fromServer(bytes: Buffer): void {
    if (this.#holdNextAnswer !== null) {
      this.#hold(this.#holdNextAnswer)
      this.#holdNextAnswer = null
    }
    this.#answered += bytes.length
    const { mode } = this.#proxy
    if (mode.kind === 'reset_after' && this.#answered > mode.bytes) this.reset()
    else this.#pass(this.client, bytes)
    if (mode.kind === 'half_close') this.client.end()
  }

  #hold(stop: PendingStop): void {
    this.#isHeld = true
    stop.resolve()
  }

  #pass(to: Socket, bytes: Buffer): void {
    const { mode, isPaused } = this.#proxy
    if (mode.kind === 'drop') return
    if (this.#isHeld || isPaused) this.#queue.push({ to, bytes })
    else if (mode.kind === 'latency') setTimeout(() => to.write(bytes), mode.ms)
    else to.write(bytes)
  }

  release(): void {
    this.#isHeld = false
    for (const { to, bytes } of this.#queue.splice(0)) to.write(bytes)
  }

  reset(): void {
    if (!this.client.destroyed) this.client.resetAndDestroy()
    this.server.destroy()
  }
}

interface PendingStop {
  readonly point: StopPoint
  skip: number
  line: Line | null
  readonly resolve: () => void
}

/** A TCP proxy on loopback that breaks connections in every way that networks do. */
export async function startFaultProxy(first: { host: string; port: number }): Promise<FaultProxy> {
  let target: FaultProxy['target'] = first
  const state: ProxyState = { mode: { kind: 'pass' }, isPaused: false, stops: [] }
  const lines = new Set<Line>()
  let accepted = 0

  const server = createServer({ allowHalfOpen: true }, (client) => {
    accepted += 1
    if (state.mode.kind === 'refuse') return void client.resetAndDestroy()
    const line = new Line(client, connect({ ...target, allowHalfOpen: true }), state)
    lines.add(line)
    client.on('close', () => lines.delete(line))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    port,
    get accepted() {
      return accepted
    },
    get target() {
      return target
    },
    set target(next) {
      target = next
    },
    get mode() {
      return state.mode
    },
    set mode(mode) {
      state.mode = mode
      if (mode.kind === 'refuse') for (const line of lines) line.reset()
    },
    pause() {
      state.isPaused = true
    },
    resume() {
      state.isPaused = false
      for (const line of lines) line.release()
    },
    stopAt(point) {
      const { promise: reached, resolve } = Promise.withResolvers<void>()
      const stop: PendingStop = { point, skip: point.skip ?? 0, line: null, resolve }
      state.stops.push(stop)
      return {
        reached,
        release: () => stop.line?.release(),
        cut: () => stop.line?.reset()
      }
    },
    async close() {
      for (const line of lines) line.reset()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** The same URL by way of the proxy. */
export function viaPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.hostname = '127.0.0.1'
  changed.port = String(port)
  return changed.href
}

export function targetOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
