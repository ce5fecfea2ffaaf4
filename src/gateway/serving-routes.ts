import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Span } from '../base/trace.ts'
import type { FabricAccess, OpenFabric } from '../fabrics/fabric-access.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { ServingRoute } from '../providers/provider.ts'
import { leastLifeMs } from '../vault/token-state.ts'
import type { AccessToken, TokenOptions } from '../vault/vault.ts'
import type { Target } from './sending.ts'

/** Tokens that open nothing but what they are asked for. */
export type ScopedTokens = Pick<FabricAccess, 'scopedToken'>

/** The way to an endpoint's own data plane. */
export interface OwnRoute {
  readonly target: Target
  token(minLifeMs: number, options?: TokenOptions): Promise<AccessToken>
}

export interface ServingRoutes {
  /** Null: the endpoint is asked at the workspace, like any other. */
  find(
    scope: TenantScope,
    fabric: OpenFabric,
    endpoint: string | null,
    span?: Span | null
  ): Promise<OwnRoute | null>
}

interface Deps {
  readonly access: FabricAccess
  readonly outbound: Outbound
  readonly clock: Clock
  readonly scopedTokens: ScopedTokens
}

interface Found {
  readonly target: Target
  readonly authorizationDetails: string
}

interface Known {
  readonly finding: Promise<Found | null>
  /** Of the monotonic clock. */
  untilMs: number
}

const knownMs = 300_000
/** After a discovery that failed; until then the workspace is asked, as it is for every other endpoint. */
const unknownMs = 30_000
const knownMax = 10_000

/** Which endpoints have a data plane of their own, asked of the workspace once in a while, as whoever asks them. */
export function createServingRoutes(deps: Deps): ServingRoutes {
  const { access, outbound, clock, scopedTokens } = deps
  const known = new Map<string, Known>()

  async function discover(
    scope: TenantScope,
    fabric: OpenFabric,
    endpoint: string,
    span: Span | null
  ): Promise<Found | null> {
    const { workspaceOrigin: origin, provider } = fabric
    const under = span === null ? {} : { span }
    const call = provider.servingRouteCall(endpoint)
    const ask = async ({ token }: AccessToken) => {
      const answer = await outbound.request({
        url: new URL(call.path, origin),
        rule: { kind: 'origin', origin },
        method: call.method,
        headers: call.headers,
        bearer: token
      })
      return { ...answer, body: answer.body.toString('utf8') }
    }
    const token = await access.token(scope, fabric, leastLifeMs, under)
    const first = await ask(token)
    const isDead = provider.isDeadTokenAnswer(first.status, first.body, first.headers)
    const rejected = { ...under, rejectedGeneration: token.generation }
    const { status, headers, body } = isDead
      ? await ask(await access.token(scope, fabric, leastLifeMs, rejected))
      : first
    const read = call.interpret(status, headers, body)
    if (!read.ok) throw new AppError(read.code)
    return read.value === null ? null : pin(fabric, read.value)
  }

  /** @throws AppError `host_not_allowed`: the token would leave the provider's zones */
  function pin({ provider }: OpenFabric, { url, authorizationDetails }: ServingRoute): Found {
    const { origin, pathname } = outbound.checkUrl(url, {
      kind: 'zones',
      zones: provider.servingZones
    })
    return { target: { origin, path: pathname }, authorizationDetails }
  }

  function look(
    scope: TenantScope,
    fabric: OpenFabric,
    endpoint: string,
    span: Span | null
  ): Promise<Found | null> {
    const { id, person, identity, workspaceOrigin } = fabric
    // What one person may not see says nothing about the next.
    const asker = person ?? identity
    const key = `${scope.tenantId}/${id}/${asker}/${workspaceOrigin}/${endpoint}`
    const nowMs = clock.monotonicMs()
    const held = known.get(key)
    if (held !== undefined && held.untilMs > nowMs) return held.finding
    const entry: Known = {
      untilMs: nowMs + knownMs,
      // Whatever failed, the token or the host: the call goes on at the workspace and fails there, if it does.
      finding: discover(scope, fabric, endpoint, span).catch(() => {
        entry.untilMs = clock.monotonicMs() + unknownMs
        return null
      })
    }
    setNewest(known, key, entry, knownMax)
    return entry.finding
  }

  return {
    async find(scope, fabric, endpoint, span = null) {
      if (endpoint === null) return null
      const found = await look(scope, fabric, endpoint, span)
      if (found === null) return null
      const { target, authorizationDetails } = found
      return {
        target,
        token: (minLifeMs, options) =>
          scopedTokens.scopedToken(scope, fabric, authorizationDetails, minLifeMs, options)
      }
    }
  }
}
