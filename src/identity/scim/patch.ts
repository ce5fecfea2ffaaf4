import { isJsonObject } from '../../base/json-object.ts'
import { attributeName, type Condition, parseFilter } from './filter.ts'
import { ScimFault } from './scim-fault.ts'

/** One change of one attribute, however the identity provider wrote it. */
export interface Change {
  readonly op: 'add' | 'replace' | 'remove'
  /** Lower case: `active`, `name`, `emails`, `members`. */
  readonly attribute: string
  /** Which values of a list, as in `members[value eq "…"]`; null: all, or the attribute has one. */
  readonly filter: Condition | null
  /** Lower case: `givenname` of `name.givenName`; null: the whole. */
  readonly sub: string | null
  readonly value: unknown
}

const operationsMax = 1_000
const pathShape = /^((?:urn:[\w.:-]+:)?[A-Za-z$][\w$-]*)(?:\[([^\]]*)\])?(?:\.([A-Za-z$][\w$-]*))?$/
const verbs = ['add', 'replace', 'remove'] as const

/**
 * A PatchOp (RFC 7644 §3.5.2) as Entra ID and Okta send it: `op` in any case, and without a path an object
 * whose names may be paths themselves.
 * @throws ScimFault `invalidSyntax`, `invalidPath`, `noTarget`
 */
export function readPatch(body: unknown): Change[] {
  const operations = isJsonObject(body) ? memberOf(body, 'operations') : undefined
  const isList = Array.isArray(operations) && operations.length <= operationsMax
  if (!isList) throw new ScimFault('invalidSyntax', 'Operations is not a list')
  return operations.flatMap(readOperation)
}

function readOperation(operation: unknown): Change[] {
  if (!isJsonObject(operation)) throw new ScimFault('invalidSyntax', 'An operation is no object')
  const { path } = operation
  const verb = String(operation.op).toLowerCase()
  const op = verbs.find((name) => name === verb)
  if (op === undefined) throw new ScimFault('invalidSyntax', 'op is not add, replace or remove')
  const { value } = operation
  if (typeof path === 'string' && path !== '') return [{ op, ...readPath(path), value }]
  if (op === 'remove') throw new ScimFault('noTarget', 'remove needs a path')
  if (!isJsonObject(value))
    throw new ScimFault('invalidSyntax', 'Without a path, value is an object')
  return Object.entries(value).map(([name, member]) => ({ op, ...readPath(name), value: member }))
}

function readPath(path: string): Omit<Change, 'op' | 'value'> {
  const [, name, filter, sub] = pathShape.exec(path.replace(corePath, '')) ?? []
  if (name === undefined) throw new ScimFault('invalidPath', 'A path is not one that is served')
  const [condition = null, ...more] = filter === undefined ? [] : parseFilter(filter)
  if (more.length > 0) throw new ScimFault('invalidPath', 'A path has more than one condition')
  return { attribute: attributeName(name), filter: condition, sub: sub?.toLowerCase() ?? null }
}

const corePath = /^urn:ietf:params:scim:schemas:core:2\.0:(User|Group):/i

/** A member by its name in any case. */
export function memberOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  const [, value] = Object.entries(object).find(([key]) => attributeName(key) === name) ?? []
  return value
}
