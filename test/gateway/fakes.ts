import type { AuditBuffer } from '../../src/audit/audit-buffer.ts'
import type { NotedCall } from '../../src/audit/call-writer.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, type TenantScope } from '../../src/base/tenant-scope.ts'
import type { FabricAccess, OpenFabric } from '../../src/fabrics/fabric-access.ts'
import type { GatewayBounds } from '../../src/gateway/bounds.ts'
import type { GatewayCall, GatewaySink } from '../../src/gateway/gateway.ts'
import { createGateway } from '../../src/gateway/pipeline.ts'
import type { ScopedTokens } from '../../src/gateway/serving-routes.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { providers } from '../../src/providers/registry.ts'
import type { AccessToken, TokenOptions } from '../../src/vault/vault.ts'

export const clock = systemClock()
const machineClock = clock
export const fabricId = newId('fabric', clock)
export const grantId = newId('grant', clock)
export const path = '/serving-endpoints/whoami/invocations'

const scope: TenantScope = makeTenantScope(
  newId('tenant', clock),
  { kind: 'service_account', id: newId('serviceAccount', clock) },
  { may: () => true, teams: [] },
  'request-1'
)

export function aCall(more: Partial<GatewayCall> = {}): GatewayCall {
  return {
    scope,
    fabricId,
    keyId: newId('key', clock),
    method: 'POST',
    path,
    query: '',
    headers: {},
    body: Buffer.from('{}'),
    signal: new AbortController().signal,
    ...more
  }
}

/** What a client would have seen; `isSlow` makes each write ask for a pause. */
export function aSink({ isSlow = false } = {}) {
  const seen = {
    status: null as number | null,
    headers: [] as (readonly [string, string])[],
    chunks: [] as Buffer[],
    end: null as 'ended' | 'destroyed' | null
  }
  let resume: (() => void) | undefined
  const sink: GatewaySink = {
    head(status, headers) {
      if (seen.status !== null) throw new TypeError('a second head')
      seen.status = status
      seen.headers = [...headers]
    },
    write(chunk) {
      if (seen.status === null || seen.end !== null) throw new TypeError('a body out of turn')
      seen.chunks.push(chunk)
      return !isSlow
    },
    onDrain: (go) => {
      resume = go
    },
    end: () => {
      seen.end = 'ended'
    },
    destroy: () => {
      seen.end = 'destroyed'
    }
  }
  const body = () => Buffer.concat(seen.chunks)
  const header = (name: string) => seen.headers.find(([one]) => one === name)?.[1]
  return { sink, seen, body, header, drain: () => resume?.() }
}

export interface WorldOptions {
  readonly workspaceOrigin: string
  readonly fabric?: Partial<OpenFabric>
  /** The same for one of several. */
  readonly fabricOf?: (id: string) => Partial<OpenFabric>
  /** Thrown instead of opening the fabric. */
  readonly openFailure?: Error
  readonly clock?: Clock
  readonly scopedTokens?: ScopedTokens
  readonly lagMs?: () => number
  readonly bounds?: Partial<GatewayBounds>
  /** Origins beside the workspace's that may be reached. */
  readonly otherOrigins?: readonly string[]
  /** Default: the real one, allowed to reach `workspaceOrigin`. */
  readonly outbound?: Outbound
  /** Thrown instead of handing out a token; asked at each call. */
  readonly tokenFailure?: (options: TokenOptions | undefined) => Error | null
}

/** The pipeline with the real outbound and the real provider, on fabrics and tokens that can fail. */
export function gatewayAt(options: WorldOptions) {
  const { clock = machineClock, scopedTokens } = options
  const events: NotedCall[] = []
  const asked: { actAs: string | null; rejected: number | undefined }[] = []
  let generation = 1
  const records: AuditBuffer = {
    add: (_scope, call) => void events.push(call),
    flush: async () => {},
    size: 0,
    dropped: 0
  }
  const access: FabricAccess = {
    async open(_scope, id, { actAs }) {
      asked.push({ actAs, rejected: undefined })
      if (options.openFailure) throw options.openFailure
      return {
        id,
        provider: providers.databricks,
        workspaceOrigin: options.workspaceOrigin,
        identity: 'service_principal',
        signInPath: `/sign-in/${id}`,
        endpoints: null,
        warehouseId: null,
        deadlines: null,
        requestsPerMinute: null,
        grantId: null,
        person: null,
        endsAt: null,
        ...options.fabric,
        ...options.fabricOf?.(id)
      }
    },
    async token(_scope, _fabric, _minLifeMs, tokenOptions): Promise<AccessToken> {
      asked.push({ actAs: null, rejected: tokenOptions?.rejectedGeneration })
      const failure = options.tokenFailure?.(tokenOptions) ?? null
      if (failure) throw failure
      if (tokenOptions?.rejectedGeneration === generation) generation += 1
      return {
        token: new Secret(`token-${generation}`),
        grantId,
        expiresAt: new Date(clock.now().getTime() + 3_600_000),
        generation,
        scope: 'all-apis',
        source: generation === 1 ? 'cached' : 'refreshed'
      }
    },
    scopedToken: () => Promise.reject(new TypeError('not through here'))
  }
  const extraOrigins = [options.workspaceOrigin, ...(options.otherOrigins ?? [])]
  const outbound = options.outbound ?? createOutbound({ extraOrigins, clock, userAgent: 'weft' })
  const gateway = createGateway({
    access,
    outbound,
    records,
    clock,
    lagMs: options.lagMs ?? (() => 0),
    bounds: options.bounds ?? {},
    ...(scopedTokens ? { scopedTokens } : {})
  })
  return { gateway, events, asked, close: () => outbound.destroy() }
}
