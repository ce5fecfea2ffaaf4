import { asId } from '../../base/ids.ts'
import type { Tx } from '../../store/db.ts'
import { insertProvisionedMembers } from '../../store/scim-groups.ts'
import {
  insertScimLink,
  isLinkedIdentity,
  listUnannouncedMembers,
  listUnlinkedScimUsers,
  type ScimUserRow
} from '../../store/scim-users.ts'
import { identityHash, type Person } from '../person.ts'

/**
 * Whom the identity provider meant by somebody who logs in through it and is nobody's yet: the external id
 * is their subject (at Entra ID the object id), else their address, verified, is the user name or an email.
 * Where two are meant, none is.
 */
export async function findAnnounced(tx: Tx, person: Person): Promise<ScimUserRow | null> {
  const { issuer, subject, email, isEmailVerified } = person
  if (await isLinkedIdentity(tx, identityHash(issuer, subject))) return null
  const emailKey = email !== null && isEmailVerified ? email.text.toLowerCase() : null
  const found = await listUnlinkedScimUsers(tx, { subject, emailKey })
  return onlyOf(
    found.filter(({ externalId }) => externalId === subject),
    found
  )
}

/** The same the other way round: which member this is who has logged in before they were announced. */
export async function findUnannounced(
  tx: Tx,
  identity: { readonly externalId: string | null; readonly emailKeys: readonly string[] }
): Promise<string | null> {
  const found = await listUnannouncedMembers(tx, identity)
  const bySubject = found.filter(({ subject }) => subject === identity.externalId)
  return onlyOf(bySubject, found)?.userId ?? null
}

/** Makes them one, and gives the places that the identity provider gave. */
export async function linkAnnounced(tx: Tx, announced: ScimUserRow, userId: string): Promise<void> {
  await insertScimLink(tx, announced.id, userId)
  for (const { group } of announced.groups) {
    await insertProvisionedMembers(tx, asId('team', group.team.id), [userId])
  }
}

function onlyOf<T>(better: readonly T[], all: readonly T[]): T | null {
  const [one, other] = better.length > 0 ? better : all
  return one !== undefined && other === undefined ? one : null
}
