import { isJsonObject } from '../../base/json-object.ts'
import type { Condition } from './filter.ts'
import { type Change, memberOf } from './patch.ts'
import { ScimFault } from './scim-fault.ts'

export interface ScimEmail {
  readonly value: string
  readonly type?: string
  readonly display?: string
  readonly primary?: boolean
}

/** What Weft keeps of a SCIM User (RFC 7643 §4.1); whatever else comes is not kept and not refused. */
export interface UserAttributes {
  readonly userName: string
  readonly externalId: string | null
  readonly isActive: boolean
  readonly displayName: string | null
  readonly name: Readonly<Record<string, string>>
  readonly emails: readonly ScimEmail[]
}

const nameParts = [
  'formatted',
  'familyName',
  'givenName',
  'middleName',
  'honorificPrefix',
  'honorificSuffix'
] as const
const textMax = 256
const emailMax = 320
const emailsMax = 20

/** @param kept what an absent `active` means: on a replacement it stays as it is */
export function readUser(body: unknown, kept: { readonly isActive: boolean }): UserAttributes {
  if (!isJsonObject(body)) throw new ScimFault('invalidSyntax', 'The body is no object')
  const active = memberOf(body, 'active')
  return {
    userName: readUserName(memberOf(body, 'username')),
    externalId: readText(memberOf(body, 'externalid'), 'externalId'),
    isActive: active === undefined ? kept.isActive : readBoolean(active, 'active'),
    displayName: readText(memberOf(body, 'displayname'), 'displayName'),
    name: readName(memberOf(body, 'name')),
    emails: readEmails(memberOf(body, 'emails'))
  }
}

/** @throws ScimFault `invalidValue` */
export function changeUser(user: UserAttributes, changes: readonly Change[]): UserAttributes {
  return changes.reduce(changeOne, user)
}

function changeOne(user: UserAttributes, change: Change): UserAttributes {
  const { attribute, op } = change
  const value = op === 'remove' ? undefined : change.value
  switch (attribute) {
    case 'username':
      return { ...user, userName: readUserName(value) }
    case 'externalid':
      return { ...user, externalId: readText(value, 'externalId') }
    case 'active':
      return { ...user, isActive: readBoolean(value, 'active') }
    case 'displayname':
      return { ...user, displayName: readText(value, 'displayName') }
    case 'name':
      return { ...user, name: changeName(user.name, change.sub, value) }
    case 'emails':
      return { ...user, emails: changeEmails(user.emails, change) }
    default:
      return user
  }
}

function changeName(
  name: UserAttributes['name'],
  sub: string | null,
  value: unknown
): UserAttributes['name'] {
  if (sub === null) return value === undefined ? {} : { ...name, ...readName(value) }
  const part = nameParts.find((one) => one.toLowerCase() === sub)
  if (part === undefined) return name
  const { [part]: _old, ...rest } = name
  const text = readText(value, `name.${part}`)
  return text === null ? rest : { ...rest, [part]: text }
}

function changeEmails(emails: readonly ScimEmail[], change: Change): readonly ScimEmail[] {
  const { op, filter, sub, value } = change
  if (filter === null) {
    if (op === 'remove') return []
    const given = readEmails(value)
    return op === 'replace' ? given : bounded([...emails, ...given])
  }
  const others = emails.filter((email) => !isMeant(email, filter))
  if (op === 'remove') return others
  const meant = emails.find((email) => isMeant(email, filter))
  const type = filter.attribute === 'type' ? { type: filter.value } : {}
  const fresh = { ...type, ...(emails.length === 0 && { primary: true }) }
  const part = sub === null ? value : { [sub]: value }
  const [email] = readEmails([{ ...(meant ?? fresh), ...(isJsonObject(part) ? part : {}) }])
  return email === undefined ? others : bounded([...others, email])
}

function isMeant(email: ScimEmail, { attribute, value }: Condition): boolean {
  const own: unknown = Object.entries(email).find(([name]) => name === attribute)?.[1]
  return own !== undefined && String(own).toLowerCase() === value.toLowerCase()
}

function readUserName(value: unknown): string {
  const text = readText(value, 'userName')
  if (text === null) throw new ScimFault('invalidValue', 'userName is required')
  return text
}

/** Null where there is none; an empty one is none. */
function readText(value: unknown, name: string, lengthMax = textMax): string | null {
  if (value === undefined || value === null || value === '') return null
  const isPlain = typeof value === 'string' && value.length <= lengthMax && value.isWellFormed()
  if (!isPlain || value.includes('\u0000')) {
    throw new ScimFault('invalidValue', `${name} is not a text of at most ${lengthMax} characters`)
  }
  return value
}

/** Entra ID sends booleans as texts, too. */
function readBoolean(value: unknown, name: string): boolean {
  const text = String(value).toLowerCase()
  if (text === 'true' || text === 'false') return text === 'true'
  throw new ScimFault('invalidValue', `${name} is not a boolean`)
}

function readName(value: unknown): UserAttributes['name'] {
  if (value === undefined || value === null) return {}
  if (!isJsonObject(value)) throw new ScimFault('invalidValue', 'name is no object')
  const parts = nameParts.map((part) => {
    return [part, readText(memberOf(value, part.toLowerCase()), `name.${part}`)] as const
  })
  return Object.fromEntries(parts.flatMap(([part, text]) => (text === null ? [] : [[part, text]])))
}

function readEmails(value: unknown): readonly ScimEmail[] {
  if (value === undefined || value === null) return []
  return bounded([value].flat().flatMap(readEmail))
}

function readEmail(value: unknown): ScimEmail[] {
  const object = typeof value === 'string' ? { value } : value
  if (!isJsonObject(object)) throw new ScimFault('invalidValue', 'An email is no object')
  const address = readText(memberOf(object, 'value'), 'emails.value', emailMax)
  if (address === null) return []
  const [type, display] = ['type', 'display'].map((name) =>
    readText(memberOf(object, name), `emails.${name}`)
  )
  const primary = memberOf(object, 'primary')
  return [
    {
      value: address,
      ...(type && { type }),
      ...(display && { display }),
      ...(primary !== undefined && { primary: readBoolean(primary, 'emails.primary') })
    }
  ]
}

function bounded(emails: readonly ScimEmail[]): readonly ScimEmail[] {
  if (emails.length > emailsMax) throw new ScimFault('invalidValue', 'These are too many emails')
  return emails
}
