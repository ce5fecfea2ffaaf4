import type { FabricId } from '../../src/base/ids.ts'
import type { FabricView, NewFabric } from '../../src/fabrics/fabrics.ts'
import { principalOf } from './testing.ts'
import { as, principal, type World } from './world.ts'

export const tasks = [
  { task_key: 'main', notebook_task: { notebook_path: '/Shared/nightly' } }
] as const
export const settings = { tasks, max_concurrent_runs: 2, tags: { cost: 'sales' } }
export const nightly = {
  quartzCronExpression: '0 0 3 * * ?',
  timezoneId: 'Europe/Berlin',
  pauseStatus: 'UNPAUSED'
} as const

interface Job {
  readonly job_id: number
  readonly creator_user_name: string
  readonly run_as_user_name: string
  readonly settings: Record<string, unknown>
}

/** A workspace as its service principal, or whoever's credentials are given, sees it without Weft. */
export function workspaceOf(world: World, origin = world.workspace.url, who = principal) {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const token = await fetch(`${origin}/oidc/v1/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'all-apis',
        client_id: who.clientId,
        client_secret: who.clientSecret
      })
    })
    const { access_token: bearer } = (await token.json()) as { access_token: string }
    const answer = await fetch(`${origin}/api/2.2/jobs/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    if (!answer.ok) throw new TypeError(await answer.text())
    return (await answer.json()) as T // its own documented shape
  }
  return {
    call,
    jobs: async () =>
      (await call<{ jobs?: Job[] }>('GET', 'list?limit=100&expand_tasks=true')).jobs ?? [],
    control: async (path: string, body: unknown) => {
      const answer = await fetch(`${origin}/_sim/${path}`, {
        method: 'POST',
        body: JSON.stringify(body)
      })
      if (!answer.ok) throw new TypeError(await answer.text())
    }
  }
}

/** A complete fabric that has a service principal. */
export async function deployable(world: World, more: Partial<NewFabric> = {}): Promise<FabricView> {
  const servicePrincipal = principalOf(principal)
  const input = world.newFabric({ servicePrincipal, ...more })
  const { id } = await world.fabrics.create(as.lead, input)
  return await world.fabrics.complete(as.lead, id)
}

/** Who asked the workspace for jobs since `at`, call by call. */
export async function jobCalls(world: World, at: Date): Promise<string[]> {
  const answer = await fetch(`${world.workspace.url}/_sim/log?since=${at.toISOString()}`)
  const { items } = (await answer.json()) as {
    items: { method: string; path: string; principal: string | null }[]
  }
  return items
    .filter(({ path }) => path.startsWith('/api/2.2/jobs/'))
    .map(({ path, principal: who }) => `${path.slice('/api/2.2/jobs/'.length)} ${who}`)
}

export type Made = { readonly id: FabricId }
