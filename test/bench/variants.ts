import { startProgram } from './children.ts'
import { byPortkey, startPortkey, startReplyFrom } from './fetched-rivals.ts'
import { type RivalName, startRival } from './rivals.ts'
import type { Target } from './traffic.ts'
import type { BenchedWeft, CredentialKind } from './weft.ts'

/** Who takes part in which cases, beside what is measured of everybody. */
export type Role =
  /** Small exchanges and streams. */
  | 'small'
  /** Bodies of megabytes. */
  | 'large'
  /** JSON 2 KiB in closed loop, where all credentials are compared. */
  | 'chief'
  /** JSON 2 KiB at a rate that it can bear. */
  | 'slow'

/** One row of a case: who is asked. */
export interface Variant {
  readonly name: string
  readonly target: Target
  /** Whose processor time and memory are counted; null: nobody stands between. */
  readonly pid: number | null
  readonly roles: readonly Role[]
}

interface Stoppable {
  stop(): Promise<void>
}

const plain = (port: number): Target => ({ port, prefix: '', headers: {} })

/** @param keep whatever is started is stopped by its caller */
export async function startOthers(
  upstream: number,
  keep: <T extends Stoppable>(part: T) => T
): Promise<{ variants: Variant[]; absent: string[] }> {
  const origin = `http://127.0.0.1:${upstream}`
  const start = async (program: string, ...args: string[]) =>
    keep(await startProgram(program, 'measured', [origin, ...args]))
  const bare = await start('bare-proxy.ts')
  const streaming = await start('bare-proxy.ts', 'streamed')
  const most = ['chief', 'slow', 'small'] as const
  const variants: Variant[] = [
    { name: 'direct', target: plain(upstream), pid: null, roles: [...most, 'large'] },
    { name: 'bare proxy', target: plain(bare.port), pid: bare.pid, roles: most },
    {
      name: 'bare streaming proxy',
      target: plain(streaming.port),
      pid: streaming.pid,
      roles: ['large']
    }
  ]
  const absent: string[] = []
  for (const name of ['nginx', 'haproxy'] satisfies RivalName[]) {
    const rival = await startRival(name, upstream)
    if (typeof rival === 'string') absent.push(`${name}: ${rival}`)
    else variants.push({ name, target: plain(keep(rival).port), pid: rival.pid, roles: most })
  }
  const replyFrom = await startReplyFrom(origin)
  if (typeof replyFrom === 'string') absent.push(`@fastify/reply-from: ${replyFrom}`)
  else {
    const { port, pid } = keep(replyFrom)
    variants.push({ name: '@fastify/reply-from', target: plain(port), pid, roles: most })
  }
  const portkey = await startPortkey()
  if (typeof portkey === 'string') absent.push(`Portkey's gateway: ${portkey}`)
  else {
    const target = byPortkey(keep(portkey).port, origin, 'json-2k')
    const { pid } = portkey
    variants.push({ name: "Portkey's gateway", target, pid, roles: ['chief', 'slow'] })
  }
  return { variants, absent }
}

export function variantsOf({ targets, pid }: BenchedWeft): Variant[] {
  const kinds = Object.keys(targets) as CredentialKind[] // its own keys are all it has
  return kinds.map((kind) => ({
    name: `Weft, ${kind}`,
    target: targets[kind],
    pid,
    roles: kind === 'service key' ? ['chief', 'slow', 'small', 'large'] : ['chief']
  }))
}
