import { isJsonObject } from '../../base/json-object.ts'
import { type Change, memberOf } from './patch.ts'
import { ScimFault } from './scim-fault.ts'

/** What Weft keeps of a SCIM Group (RFC 7643 §4.2). */
export interface GroupAttributes {
  readonly displayName: string
  readonly externalId: string | null
  /** SCIM ids. */
  readonly members: ReadonlySet<string>
}

const textMax = 256
const membersMax = 100_000

export function readGroup(body: unknown): GroupAttributes {
  if (!isJsonObject(body)) throw new ScimFault('invalidSyntax', 'The body is no object')
  return {
    displayName: readDisplayName(memberOf(body, 'displayname')),
    externalId: readExternalId(memberOf(body, 'externalid')),
    members: new Set(readMembers(memberOf(body, 'members')))
  }
}

/** Entra ID removes members by `members` with a list of values, Okta by `members[value eq "…"]`. */
export function changeGroup(group: GroupAttributes, changes: readonly Change[]): GroupAttributes {
  return changes.reduce(changeOne, group)
}

function changeOne(group: GroupAttributes, change: Change): GroupAttributes {
  const { attribute, op } = change
  const value = op === 'remove' ? undefined : change.value
  if (attribute === 'displayname') return { ...group, displayName: readDisplayName(value) }
  if (attribute === 'externalid') return { ...group, externalId: readExternalId(value) }
  return attribute === 'members'
    ? { ...group, members: changeMembers(group.members, change) }
    : group
}

function changeMembers(members: ReadonlySet<string>, change: Change): ReadonlySet<string> {
  const { op, filter, value } = change
  if (filter !== null && filter.attribute !== 'value') {
    throw new ScimFault('invalidPath', 'Members are told apart by their value')
  }
  const named = new Set(filter === null ? readMembers(value) : [filter.value])
  if (op === 'replace') return named
  if (op === 'add') return new Set([...members, ...named])
  const isAll = filter === null && value === undefined
  return isAll ? new Set() : new Set([...members].filter((id) => !named.has(id)))
}

function readDisplayName(value: unknown): string {
  const isName = typeof value === 'string' && value.trim() !== '' && value.length <= textMax
  if (isName && value.isWellFormed() && !value.includes('\u0000')) return value
  throw new ScimFault('invalidValue', `displayName is not a text of 1 to ${textMax} characters`)
}

function readExternalId(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string' && value.length <= textMax && !value.includes('\u0000'))
    return value
  throw new ScimFault('invalidValue', `externalId is not a text of at most ${textMax} characters`)
}

function readMembers(value: unknown): string[] {
  if (value === undefined || value === null) return []
  const list = [value].flat()
  if (list.length > membersMax) throw new ScimFault('invalidValue', 'These are too many members')
  return list.map((member) => {
    const id: unknown = isJsonObject(member) ? memberOf(member, 'value') : member
    if (typeof id === 'string' && id.length <= textMax) return id
    throw new ScimFault('invalidValue', 'A member has no value')
  })
}
