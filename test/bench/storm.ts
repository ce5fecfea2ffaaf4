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

interface Crowd {
  /** How long each waited, ascending. */
  readonly waitsMs: readonly number[]
  /** Of who was not served. */
  readonly refusals: readonly string[]
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

  async function everybody(targets: readonly Target[]): Promise<Crowd> {
    const refusals: string[] = []
    const calls = Array.from({ length: callers }, async (_, at) => {
      const target = targets[at % targets.length]
      const startedMs = performance.now()
      const fault = target === undefined ? 'nobody to ask' : await askOnce(target, agent)
      if (fault !== null) refusals.push(`refresh storm: ${fault}`)
      return performance.now() - startedMs
    })
    return { waitsMs: (await Promise.all(calls)).sort((a, b) => a - b), refusals }
  }

  try {
    const rowsOfStorms: string[][] = []
    // What these are refused is no fault: a process that is slow yet turns some of a crowd away, and nothing is measured.
    for (let at = 0; at < warmUps; at += 1) await everybody((await person(hour)).targets)
    for (let storm = 1; storm <= storms; storm += 1) {
      // Connections stand; of this person nothing is known, of the next one neither.
      const alive = await everybody((await person(hour)).targets)
      const { family, targets } = await person(-60_000)
      const expired = await everybody(targets)
      faults.push(...alive.refusals, ...expired.refusals)
      if (family.redemptions !== 1) faults.push(`refresh storm: ${family.redemptions} redemptions`)
      rowsOfStorms.push([
        String(storm),
        String(family.redemptions),
        number(quantile(expired.waitsMs, 0.5) - providerMs, 0),
        number(quantile(expired.waitsMs, 0.99) - providerMs, 0),
        number(quantile(alive.waitsMs, 0.5), 0),
        number(quantile(alive.waitsMs, 0.99), 0)
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
