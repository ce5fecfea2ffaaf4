import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { VaultWorld } from '../support/vault-world.ts'
import { number, type Section } from './markdown.ts'
import { pathOf, quantile, type Target } from './traffic.ts'
import { bySession } from './weft.ts'
import type { WeftProcess } from './weft-process.ts'

export interface StormPlan {
  readonly callers: number
  readonly storms: number
}

const providerMs = 200
const hour = 3_600_000

/** Processes that have only just started compile what they run, and are slower by a factor of six. */
const warmUps = 10

/**
 * Everybody comes with one expired token at once, at every replica: how often it is spent, and who waits how long.
 * Beside it the same crowd with a token that lives, which waits for the machine alone.
 */
export async function measureStorm(
  world: VaultWorld,
  fleet: readonly Pick<WeftProcess, 'port'>[],
  { callers, storms }: StormPlan
): Promise<Section> {
  const { rows, seeded, server } = world
  const fabricId = await world.seedFabric()
  server.always({
    get holdBefore() {
      return pause(providerMs)
    }
  })
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  const faults: string[] = []

  async function person(lifeMs: number) {
    const userId = await rows.user(seeded)
    const { family } = await world.seedGrant({ userId, lifeMs })
    const session = await rows.session(seeded.tenantId, userId)
    const targets = fleet.map(({ port }) => bySession({ port, fabricId }, session))
    return { family, targets }
  }

  /** @returns how long each waited, milliseconds, ascending */
  async function everybody(targets: readonly Target[]): Promise<number[]> {
    const calls = Array.from({ length: callers }, async (_, at) => {
      const target = targets[at % targets.length]
      const startedMs = performance.now()
      const fault = target === undefined ? 'nobody to ask' : await askOnce(target, agent)
      if (fault !== null) faults.push(`refresh storm: ${fault}`)
      return performance.now() - startedMs
    })
    return (await Promise.all(calls)).sort((a, b) => a - b)
  }

  try {
    const rowsOfStorms: string[][] = []
    for (let at = 0; at < warmUps; at += 1) await everybody((await person(hour)).targets)
    for (let storm = 1; storm <= storms; storm += 1) {
      // Connections stand; of this person nothing is known, of the next one neither.
      const alive = await everybody((await person(hour)).targets)
      const { family, targets } = await person(-60_000)
      const times = await everybody(targets)
      if (family.redemptions !== 1) faults.push(`refresh storm: ${family.redemptions} redemptions`)
      rowsOfStorms.push([
        String(storm),
        String(family.redemptions),
        number(quantile(times, 0.5) - providerMs, 0),
        number(quantile(times, 0.99) - providerMs, 0),
        number(quantile(alive, 0.5), 0),
        number(quantile(alive, 0.99), 0)
      ])
    }
    return {
      title: `Expired token: ${callers} callers, ${fleet.length} replicas, one grant`,
      head: [
        'storm',
        'redemptions',
        `p50 ms over the provider's ${providerMs}`,
        'p99 ms over it',
        'with a token that lives: p50 ms',
        'p99 ms'
      ],
      rows: rowsOfStorms,
      note: `The callers, the provider, ${fleet.length} servers and Postgres share this machine's processors.`,
      faults
    }
  } finally {
    agent.destroy()
    server.reset()
  }
}

/** @returns what went wrong */
function askOnce({ port, prefix, headers }: Target, agent: Agent): Promise<string | null> {
  return new Promise((resolve) => {
    const path = prefix + pathOf('probe')
    const call = request(
      { host: '127.0.0.1', port, method: 'POST', path, agent, headers },
      (response) => {
        response.resume()
        const { statusCode, headers } = response
        const problem = String(headers['x-weft-problem'] ?? '')
        response.once('end', () =>
          resolve(statusCode === 200 ? null : `status ${statusCode} ${problem}`)
        )
        response.once('error', ({ message }) => resolve(message))
      }
    )
    call.once('error', ({ message }) => resolve(message))
    call.setHeader('content-type', 'application/json')
    call.end('{"inputs":[1]}')
  })
}
