import type { Operation } from '../../src/base/operations.ts'
import type { Caller } from './cast.ts'
import type { KindName } from './things.ts'

/**
 * What the rule cannot know of a route. Who is refused, and how, follows from the role table and from whose
 * thing is named; here stands how a good call looks and what comes of it.
 */
export interface Entry {
  /** The JSON body of a good call. */
  readonly body?: (id: Naming) => unknown
  /** The same as a form. */
  readonly form?: (id: Naming) => Readonly<Record<string, string>>
  readonly query?: (id: Naming) => Readonly<Record<string, string>>
  /** What stands for parameters that name no thing, `*` included. */
  readonly params?: Readonly<Record<string, string>>
  /** The kinds of parameters that are not the usual ones by their names. */
  readonly kinds?: Readonly<Record<string, KindName>>
  /** Status of a call that is allowed; default: the success of the OpenAPI document. */
  readonly allowed?: number | ((caller: Caller) => number)
  /**
   * Anybody may ask. A number: everybody is answered so, whatever they name. A function: what comes of it for
   * this caller, by whether they see all that is named (what they don't see is answered like nothing), and by
   * the fabric host where it is one.
   */
  readonly open?: number | ((caller: Caller, isSeen: boolean, host: string | null) => number)
  /** What one must be allowed with the thing in the path, where it is not the route's own operation. */
  readonly operation?: Operation
  /** The call is made without the caller's own credentials. */
  readonly isBare?: boolean
  /** The call ends the session that it comes with: each gets one of its own. */
  readonly endsSession?: boolean
  /** What naming a thing in the path that one does not see is answered with; default: 404. */
  readonly hidden?: number
  /** What a stranger is answered with, where it is not 401. */
  readonly stranger?: number
  /** A place in a shared team counts, and not that everybody administers their own. */
  readonly isForSharedTeams?: boolean
  /** It ends what the others come with: after all of them. */
  readonly isLast?: boolean
  /** An allowed call changes something although it is a GET, or nothing although it is not. */
  readonly changes?: boolean
}

/**
 * Stands for the id of a thing that a body or a query names, and makes cases of it: with a thing of one's own
 * team, of another one, of another tenant, and of nobody.
 */
export interface Naming {
  (kind: KindName, named?: Named): string
  /** Ids in the path, by parameter. */
  readonly path: Readonly<Record<string, string>>
  /** Another text for each call, lower case. */
  readonly unique: string
  readonly by: Caller | null
  /** An hour from now. */
  readonly soon: string
  /** The origin of a workspace that answers. */
  readonly workspace: string
}

export interface Named {
  /** What one must be allowed with the thing; default: it need only be seen. */
  readonly operation?: Operation
  /** What naming a thing that one does not see is answered with; default: 404. */
  readonly hidden?: number
}

/** By `METHOD /path` as the route table has it, with `{fabric host}` before paths of fabric hosts. */
export type Entries = Readonly<Record<string, Entry>>
