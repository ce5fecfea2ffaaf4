import { asId } from '../../base/ids.ts'
import { isJsonObject } from '../../base/json-object.ts'
import type { ScimUserRow, ScimUserValues } from '../../store/scim-users.ts'
import { parseEmail } from '../person.ts'
import type { ScimUserView } from './scim.ts'
import { readUser, type UserAttributes } from './user-attributes.ts'

export function columnsOf(user: UserAttributes): ScimUserValues {
  const { userName, externalId, isActive, displayName, name, emails } = user
  const addresses = [userName, ...emails.map(({ value }) => value)].map(parseEmail)
  const emailKeys = addresses.flatMap((address) => address?.text.toLowerCase() ?? [])
  return {
    userName,
    userNameKey: userName.toLowerCase(),
    externalId,
    isActive,
    emailKeys: [...new Set(emailKeys)],
    profile: { displayName, name, emails: emails.map((email) => ({ ...email })) }
  }
}

export function attributesOf(row: ScimUserRow): UserAttributes {
  const { userName, externalId, isActive } = row
  const profile = isJsonObject(row.profile) ? row.profile : {}
  return readUser({ ...profile, userName, externalId }, { isActive })
}

export function userView(row: ScimUserRow): ScimUserView {
  return {
    ...attributesOf(row),
    id: asId('scimUser', row.id),
    groups: row.groups.map(({ group: { team } }) => ({
      id: asId('team', team.id),
      name: team.name
    })),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt
  }
}
