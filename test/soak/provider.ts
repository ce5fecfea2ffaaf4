import { type FaultProxy, startFaultProxy, targetOf } from '../support/fault-proxy.ts'
import {
  type Behaviour,
  type HostileServer,
  startHostileServer
} from '../support/hostile-authorization-server.ts'
import type { Dice } from './dice.ts'
import { pause } from './dice.ts'
import { createLedger, type Kill, type Ledger } from './encounters.ts'
import type { Findings } from './findings.ts'
import { type Plan, rollPlan } from './token-plans.ts'

/** How a provider treats refresh tokens, and what is known of it beforehand. */
export const policies = [
  { name: 'single-use, known', rotate: true, revokeOnReuse: true, known: true },
  { name: 'single-use, not known', rotate: true, revokeOnReuse: true, known: null },
  { name: 'multi-use, not known', rotate: false, revokeOnReuse: false, known: null }
] as const
export type Policy = (typeof policies)[number]

/** A hostile workspace behind a network that is no better. */
export interface SoakProvider {
  readonly policy: Policy
  /** As Weft knows it: by way of the proxy. */
  readonly origin: string
  readonly server: HostileServer
  readonly proxy: FaultProxy
  readonly ledger: Ledger
  /** Sign-ins that the provider itself has ended, as an administrator there would. */
  readonly endedFamilies: Set<string>
  /** From now on every token request meets chance; honest before that and after `behave`. */
  misbehave(): void
  behave(): void
  stop(): Promise<void>
}

interface ProviderDeps {
  readonly dice: Dice
  readonly findings: Findings
  readonly kills: readonly Kill[]
  readonly nowMs: () => number
}

const honest: Plan = { name: 'honest', beforeMs: 0, afterMs: 0, loss: null }

export async function startProvider(
  policy: Policy,
  { dice, findings, kills, nowMs }: ProviderDeps
): Promise<SoakProvider> {
  const server = await startHostileServer()
  const proxy = await startFaultProxy(targetOf(server.origin))
  const origin = `http://127.0.0.1:${proxy.port}`
  server.rules.rotate = policy.rotate
  server.rules.revokeOnReuse = policy.revokeOnReuse
  server.metadata = (members) => moved(members, server.origin, origin)
  const ledger = createLedger(kills)
  let isHostile = false

  /** Always one behaviour waits in the queue; whoever takes it lays out the next. */
  function lay(): void {
    let plan = honest
    let token = ''
    let startMs = 0
    let before = 0
    const behaviour: Behaviour = {
      // Read first, in the same turn in which the request was noted.
      get holdBefore() {
        lay()
        token = server.requests.at(-1)?.refreshToken ?? ''
        startMs = nowMs()
        plan = isHostile ? rollPlan(dice) : honest
        server.rules.accessTtlSeconds = dice.int(6, 25)
        findings.count(`token request ${plan.name}`)
        return pause(plan.beforeMs)
      },
      // Read in the same turn as the next, before the server acts; the next after it has.
      get instead() {
        before = server.books.presented(token)
        return plan.instead as NonNullable<Behaviour['instead']> // absent is as good as undefined
      },
      get holdAfter() {
        if (server.books.presented(token) === before) return pause(plan.afterMs)
        const { name, loss, afterMs } = plan
        ledger.note({ token, plan: name, loss, startMs, endMs: nowMs() + afterMs })
        return pause(afterMs)
      },
      get cut() {
        return plan.cut as NonNullable<Behaviour['cut']> // absent is as good as undefined
      },
      get rewrite() {
        return plan.rewrite ?? ((answer) => answer)
      }
    }
    server.next(behaviour)
  }
  lay()

  return {
    policy,
    origin,
    server,
    proxy,
    ledger,
    endedFamilies: new Set(),
    misbehave() {
      isHostile = true
    },
    behave() {
      isHostile = false
      server.apiAnswer = null
      server.metadataStatus = 200
      server.revocationStatus = 200
    },
    async stop() {
      await proxy.close()
      await server.stop()
    }
  }
}

/** The same metadata with every URL on the proxy's origin. */
function moved(
  members: Record<string, unknown>,
  from: string,
  to: string
): Record<string, unknown> {
  return JSON.parse(JSON.stringify(members).replaceAll(from, to)) as Record<string, unknown> // as it was
}
