import Pool from 'undici/lib/dispatcher/pool.js'
import type { Dialler } from './connector.ts'

/** Enough for a thousand open streams to one workspace; more wait for their connect deadline. */
const connectionsMax = 2_048
const keepAliveMs = 30_000
/** Bytes of an answer's head, its names and values together. */
const maxHeaderSize = 32_768

export interface Pools {
  /** The pool of an origin whose rule has been checked. */
  get(origin: string, isTrusted: boolean): Pool
  isFull(origin: string): boolean
  close(): Promise<void>
  destroy(): Promise<void>
}

/** One connection pool for each origin in use; a pool whose last connection has gone goes too. */
export function createPools(dialler: Dialler): Pools {
  const pools = new Map<string, Pool>()

  function open(origin: string, isTrusted: boolean): Pool {
    const pool = new Pool(origin, {
      connect: dialler.connector(isTrusted),
      connections: connectionsMax,
      pipelining: 1,
      allowH2: false,
      useMilo: false,
      maxHeaderSize,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: 0, // each exchange keeps its own deadlines
      bodyTimeout: 0
    })
    const dropIdle = () =>
      setImmediate(() => {
        if (pool.closed || pool.destroyed || pools.get(origin) !== pool) return
        if (pool.stats.connected > 0 || pool.stats.size > 0) return
        pools.delete(origin)
        void pool.close()
      })
    pool.on('disconnect', dropIdle).on('connectionError', dropIdle)
    return pool
  }

  return {
    get(origin, isTrusted) {
      const known = pools.get(origin)
      if (known !== undefined) return known
      const pool = open(origin, isTrusted)
      pools.set(origin, pool)
      return pool
    },
    isFull: (origin) => (pools.get(origin)?.stats.connected ?? 0) >= connectionsMax,
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()))
    },
    async destroy() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    }
  }
}
