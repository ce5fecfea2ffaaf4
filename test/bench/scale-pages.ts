import { perCall } from './processor-time.ts'
import type { ScaleSeed } from './scale-seed.ts'
import { addSample, inTurns, type Samples, type ServedSide } from './scale-side.ts'
import { outcomeOf } from './traffic.ts'
import { ask } from './weft-process.ts'

/** Each list that a page shows, and what it can be narrowed to, on the largest tenant. */
export function pathsOf({
  teamId,
  userId,
  appConnectionId,
  serviceAccountId,
  middle,
  callable
}: ScaleSeed) {
  const fabrics = '/api/v1/fabrics'
  const audit = '/api/v1/audit-events'
  return {
    admin: {
      fabrics,
      'fabrics, 200 of them': `${fabrics}?limit=200`,
      'fabrics, from the middle': `${fabrics}?cursor=${middle.fabric}`,
      'fabrics of a team': `${fabrics}?teamId=${teamId}`,
      'fabrics, drafts (one in a thousand)': `${fabrics}?status=draft`,
      'fabrics whose name holds “99”': `${fabrics}?q=99`,
      'fabrics whose name nobody has': `${fabrics}?q=nobody`,
      'one fabric': `${fabrics}/${callable[0]?.fabricId}`,
      'usage of a fabric': `${fabrics}/${callable[0]?.fabricId}/usage`,
      'app connections': '/api/v1/app-connections',
      'one app connection': `/api/v1/app-connections/${appConnectionId}`,
      'usage of an app connection': `/api/v1/app-connections/${appConnectionId}/usage`,
      teams: '/api/v1/teams',
      'members of a team': `/api/v1/teams/${teamId}/members`,
      members: '/api/v1/members',
      'members, from the middle': `/api/v1/members?cursor=${middle.user}`,
      'service accounts': '/api/v1/service-accounts',
      'service accounts, from the middle': `/api/v1/service-accounts?cursor=${middle.account}`,
      'one service account': `/api/v1/service-accounts/${serviceAccountId}`,
      'keys of a service account': `/api/v1/service-accounts/${serviceAccountId}/keys`,
      'audit events': audit,
      'audit events of a person': `${audit}?actor=${userId}`,
      'audit events of a fabric': `${audit}?fabric=${middle.fabric}`,
      'audit events, a rare action': `${audit}?action=fabric.delete`,
      'personal tokens': '/api/v1/tokens',
      delegations: '/api/v1/delegations',
      me: '/api/v1/me'
    },
    member: { 'fabrics, as a member of one team': fabrics }
  }
}

/** Each page in turn at each side, asked for over HTTP, by session, on a new connection. */
export async function measurePages(
  sides: readonly ServedSide[],
  { turns, pages: times }: { readonly turns: number; readonly pages: number }
): Promise<Samples> {
  const samples: Samples = new Map()
  const paths = sides.map(({ seed }) => pathsOf(seed))
  for (const who of ['admin', 'member'] as const) {
    for (const name of Object.keys(paths[0]?.[who] ?? {})) {
      for (let turn = 0; turn < turns; turn += 1) {
        for (const [{ seed, weft, meter }, at] of inTurns(sides, turn)) {
          const path = new Map(Object.entries(paths[at]?.[who] ?? {})).get(name) ?? ''
          const headers = { cookie: `__Host-weft_session=${seed.sessions[who]}` }
          // The first one reads what the others find in memory.
          if (turn === 0) await ask(weft.port, path, headers)
          const took: number[] = []
          const before = meter()
          for (let at = 0; at < times; at += 1) {
            const startedMs = performance.now()
            await ask(weft.port, path, headers)
            took.push(performance.now() - startedMs)
          }
          const cost = perCall(before, meter(), times)
          const { p50, p99 } = outcomeOf(took, 0, null)
          addSample(samples, name, at, { p50, p99, ...cost })
        }
      }
    }
  }
  return samples
}
