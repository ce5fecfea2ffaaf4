import { AppError } from '../../base/errors.ts'
import type { App } from '../route.ts'

/** How a replica leaves: it says so while it still serves, and closes once whoever asks whether it is ready has heard. */
export interface Departure {
  /** Readiness is off; everything else is served as before, and connections are not kept. */
  readonly isAnnounced: boolean
  /** Somebody asked whether this replica is ready. */
  noteLook(): void
  /** Resolves when it is time to close: at once, where nobody has asked lately. */
  announce(hurry: AbortSignal): Promise<void>
}

/** More than two looks of a balancer that looks every other second. */
const announceMs = 5_000
/** Whoever has not asked for so long does not go by the answer. */
const lookedLatelyMs = 30_000

export function createDeparture(monotonicMs: () => number): Departure {
  let lookedMs = Number.NEGATIVE_INFINITY
  let isAnnounced = false
  return {
    get isAnnounced() {
      return isAnnounced
    },
    noteLook() {
      lookedMs = monotonicMs()
    },
    announce(hurry) {
      isAnnounced = true
      if (hurry.aborted || monotonicMs() - lookedMs > lookedLatelyMs) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, announceMs)
        hurry.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }
}

/** While closing: new requests on old connections are sent away, and what is open at the end is cut. */
export function installClosing(
  app: App,
  departure: Departure,
  { drainMs }: { drainMs: number }
): void {
  let isClosing = false
  let timer: NodeJS.Timeout | undefined
  app.addHook('preClose', (done) => {
    isClosing = true
    timer = setTimeout(() => app.server.closeAllConnections(), drainMs)
    // Node closes the connections that are idle by now, and would wait for those that are idle later; 0 is for ever.
    app.server.keepAliveTimeout = 1
    done()
  })
  app.addHook('onClose', (_app, done) => {
    clearTimeout(timer)
    done()
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (departure.isAnnounced) reply.raw.shouldKeepAlive = false
    if (!isClosing || request.raw.url === '/healthz') return done()
    reply.header('connection', 'close')
    done(new AppError('shutting_down'))
  })
}
