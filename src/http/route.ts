/**
 * Owns: the outside of Weft – routes, who may call them, how answers and problems look on the wire.
 * Touches: identity, app-connections, fabrics and gateway, through their interfaces.
 * Never: a store, a token, the network, or a decision that belongs to a room below.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  FastifyTypeProvider,
  RawServerDefault
} from 'fastify'
import type { Static, TSchema } from 'typebox'
import { type IdKind, type IdOf, idPattern } from '../base/ids.ts'
import type { Operation } from '../base/operations.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Caller } from '../identity/identity.ts'
import type { FabricHost } from './fabric-hosts.ts'
import { Type } from './json-schema.ts'
import type { PublicUrl } from './public-url.ts'
import type { RequestLine } from './request-line.ts'
import { Problem } from './schemas/problem.ts'

/** `session`: a person in a browser; `caller`: that or a service account. */
export type Access = 'public' | 'session' | 'caller'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    operation?: Operation
    /** Shape of answers: `api` JSON (the default), `page` HTML for a browser, `data` the workspace's own. */
    surface?: 'api' | 'page' | 'data'
    /** A page that leads to the login instead of saying that one is needed. */
    leadsToLogin?: boolean
  }
  interface FastifyRequest {
    caller: Caller | null
    /** Of the caller; only where `access` is not `public`. */
    readonly scope: TenantScope
    line: RequestLine
    /** The one of the deployment's that the request came by; where it came by none, the first. */
    readonly publicUrl: PublicUrl
    /** The fabric that the request's host stands for; null: the host is Weft's own. */
    readonly fabricHost: FabricHost | null
  }
  interface FastifyInstance {
    readonly routeTable: readonly RouteFact[]
  }
}

export interface RouteFact {
  readonly method: string
  readonly url: string
  readonly access: Access
  readonly operation: Operation
  readonly surface: 'api' | 'page' | 'data'
  /** Whether it answers on fabric hosts, and there alone. */
  readonly isOnFabricHost: boolean
}

interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

/** Fastify with the types of a route's schemas on its request. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  SchemaTypes
>

/** An object that refuses what it does not declare. */
export function Strict<T extends Record<string, TSchema>>(members: T, options: object = {}) {
  return Type.Object(members, { ...options, additionalProperties: false })
}

export function IdOfKind<K extends IdKind>(kind: K) {
  return Type.Unsafe<IdOf<K>>({ type: 'string', pattern: idPattern(kind) })
}

/** The schema or null. */
export function Nullable<T extends TSchema>(schema: T) {
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [typeOf(schema), 'null'] })
}

function typeOf(schema: TSchema): unknown {
  return 'type' in schema ? schema.type : 'string'
}

export function Text(maxLength: number, options: object = {}) {
  return Type.String({ minLength: 1, maxLength, ...options })
}

export const Time = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })

export const PageQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Text(512))
})

/** What a service takes for `?limit=&cursor=`. */
export function pageOf(query: Static<typeof PageQuery>): { limit: number; cursor: string | null } {
  return { limit: query.limit ?? 50, cursor: query.cursor ?? null }
}

export function PageOf<T extends TSchema>(item: T) {
  return Strict({ items: Type.Array(item), nextCursor: Nullable(Type.String()) })
}

const problem = {
  description: 'A problem (RFC 9457)',
  content: { 'application/problem+json': { schema: Problem } }
}

/** The answers of a route: its own, and a problem for whatever goes wrong. */
export function answers(success: Record<number, TSchema>): Record<string, unknown> {
  return { ...success, '4xx': problem, '5xx': problem }
}

/** 204: the answer has no body. */
export const Nothing = Type.Null({ description: 'Done; no content' })

export const createHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,128}$',
      description: 'The same key and body within 24 hours give the same answer and one effect'
    })
  )
})

export const updateHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      pattern: '^"[0-9]{1,15}"$',
      description: 'The ETag of what is updated, in place of `version` in the body'
    })
  )
})

/** The surface of a request's route; on a fabric host and below `/fabrics/`, unknown paths are the data plane's. */
export function surfaceOf(request: FastifyRequest): 'api' | 'page' | 'data' {
  const declared = request.routeOptions?.config.surface
  if (declared !== undefined) return declared
  const isData = request.fabricHost || request.raw.url?.startsWith('/fabrics/')
  return isData ? 'data' : 'api'
}
