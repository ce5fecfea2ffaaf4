import { Agent } from 'node:http'
import type { AuditAction } from '../../src/audit/audit.ts'
import { auditInventory } from '../../src/audit/inventory/inventory.ts'
import { openApiOf } from '../../src/http/openapi.ts'
import type { RouteFact } from '../../src/http/route.ts'
import { type Answer, answerTo } from '../matrix/answers.ts'
import type { Cast } from '../matrix/cast.ts'
import { type Case, createPlanner, nameOf } from '../matrix/plan.ts'
import { table } from '../matrix/table.ts'

/** A call that is to leave records, and which ones. */
export interface Recorded {
  readonly name: string
  readonly one: Case
  readonly actions: readonly AuditAction[]
  /** What must be there that the access matrix does without. */
  prepare?(): Promise<unknown>
}

export interface EventRow {
  readonly action: AuditAction
  readonly outcome: string
  readonly object_kind: string
  readonly details: Readonly<Record<string, unknown>>
  readonly source: string | null
  readonly credential_id: string | null
}

/** What is recorded where that is not the route's own operation, once. */
const recordedBy: Readonly<Record<string, readonly AuditAction[]>> = {
  'DELETE /api/v1/members/:userId/tokens/:tokenId': ['personal_token.revoke'],
  // A member's calls under way end before they are gone.
  'DELETE /api/v1/members/:userId': ['member.update', 'member.delete'],
  'PUT /api/v1/import': ['app_connection.create', 'settings.import'],
  // The first token of its service principal.
  'GET /api/v1/fabrics/:fabricId/warehouses': ['grant.refresh', 'endpoint.discover'],
  // As many as there are.
  'DELETE /api/v1/me/sessions': []
}

/** Who does it, where it is not the first who may. */
const doneBy: Readonly<Record<string, string>> = {
  'POST /oauth2/token': 'service key',
  'GET /api/v1/fabrics/:fabricId/warehouses': 'service key',
  'POST {fabric host}/*': 'service key',
  'POST /api/v1/tenants/:tenantId/resume': 'platform operator'
}

/** Answered with a refusal of the provider's, or nothing to do: the tests of their rooms drive them. */
const unreached = new Set<AuditAction>([
  'app_connection.delete_registration',
  'app_connection.mend_registration',
  'app_connection.register',
  'connection.delete',
  'connection.put_token',
  'deployment.put',
  'deployment_run.cancel',
  'deployment_run.create',
  'federation_policy.register',
  // What follows it comes when it comes.
  'incident.revoke',
  'me.switch_tenant',
  'sign_in_attempt.finish'
])

const isAction = (operation: string): operation is AuditAction => operation in auditInventory

/** One good call of each route that is to leave a record, each with things of its own. */
export async function recordedCalls(cast: Cast): Promise<readonly Recorded[]> {
  const { app, world } = cast.platform
  const { paths } = (await openApiOf(app)) as {
    paths: Record<string, Record<string, { responses: object }>>
  }
  const plan = createPlanner(cast, ({ method, url }) => {
    const path = paths[url.replaceAll(/:(\w+)/g, '{$1}')]
    const statuses = Object.keys(path?.[method.toLowerCase()]?.responses ?? {}).map(Number)
    return statuses.find((status) => status >= 200 && status < 300) ?? null
  })
  const preparing: Readonly<Record<string, (one: Case) => Promise<unknown>>> = {
    'POST /api/v1/tenants/:tenantId/resume': ({ ids }) =>
      world.sql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [ids[0]]),
    'POST /api/v1/fabrics/:fabricId/complete': ({ ids }) =>
      world.sql(`UPDATE fabrics SET status = 'draft' WHERE id = $1`, [ids[0]]),
    'POST /api/v1/delegations': () =>
      world.sql(
        `INSERT INTO tenant_settings (tenant_id, delegations_allowed, updated_at)
         VALUES ($1, true, now()) ON CONFLICT (tenant_id) DO UPDATE SET delegations_allowed = true`,
        [cast.tenantIds.acme]
      )
  }

  async function first(route: RouteFact): Promise<Case | null> {
    const name = nameOf(route)
    for (const caller of cast.callers) {
      const isWanted = doneBy[name] === undefined || doneBy[name] === caller.name
      if (caller.via === 'out' || !isWanted) continue
      const [one] = await plan(route, table[name] ?? {}, caller)
      if (one?.expected.isAllowed || name in preparing) return one ?? null
    }
    return null
  }

  const rank = (route: RouteFact) => (table[nameOf(route)]?.isLast ? 0 : route.url.length)
  const calls: Recorded[] = []
  for (const route of app.routeTable.toSorted((one, next) => rank(next) - rank(one))) {
    const name = nameOf(route)
    const own = isAction(route.operation) ? [route.operation] : []
    const actions = recordedBy[name] ?? own.filter((action) => !unreached.has(action))
    const isOther = route.isOnFabricHost !== name.startsWith('POST {fabric host}/*')
    const isPass = route.surface === 'data' && !(name in doneBy)
    if (actions.length === 0 || (route.operation !== 'endpoint.query' && isOther)) continue
    if (isPass || (route.operation === 'endpoint.discover' && !(name in doneBy))) continue
    const one = await first(route)
    if (one === null) continue
    const prepare = preparing[name]
    calls.push({ name, one, actions, ...(prepare && { prepare: () => prepare(one) }) })
  }
  return calls
}

/** Asks, and tells what was recorded of it. */
export function createAsking(cast: Cast) {
  const { port, world, rooms } = cast.platform
  const agent = new Agent({ keepAlive: true })
  let count = 0
  return {
    async ask(one: Case): Promise<{ readonly answer: Answer; readonly events: EventRow[] }> {
      count += 1
      const id = `inventory-${count}`
      const headers = { ...one.headers, 'x-request-id': id }
      const answer = await answerTo(port, agent, { ...one, headers })
      await rooms.records.flush().catch(() => undefined)
      const sql = 'SELECT * FROM audit_events WHERE request_id = $1 ORDER BY seq'
      return { answer, events: await world.sql(sql, [id]) }
    },
    close: () => agent.destroy()
  }
}
