import { AppError } from '../../base/errors.ts'
import { asId, newId, type ScimUserId, type UserId } from '../../base/ids.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { Tx } from '../../store/db.ts'
import { UniqueViolation } from '../../store/db-errors.ts'
import {
  deleteScimUser,
  findScimUser,
  insertScimUser,
  listScimUsers,
  lockScimUser,
  type ScimUserQuery,
  type ScimUserRow,
  updateScimUser
} from '../../store/scim-users.ts'
import { requireAuthority } from '../roles.ts'
import { parseFilter } from './filter.ts'
import { findUnannounced, linkAnnounced } from './linking.ts'
import { readPatch } from './patch.ts'
import type { ScimDeps, ScimUsers, ScimUserView } from './scim.ts'
import { ScimFault } from './scim-fault.ts'
import { changeUser, readUser, type UserAttributes } from './user-attributes.ts'
import { attributesOf, columnsOf, userView } from './user-rows.ts'

export function createScimUsers({ db, audit, clock, memberships }: ScimDeps): ScimUsers {
  /** Who was announced and has been here before is known at once, so that the next word reaches them. */
  async function linkIfKnown(tx: Tx, id: ScimUserId): Promise<ScimUserRow> {
    const row = await mustFind(tx, id)
    const userId = row.link === null ? await findUnannounced(tx, row) : null
    if (userId === null) return row
    await linkAnnounced(tx, row, userId)
    return await mustFind(tx, id)
  }

  /** Only a change of mind counts, so that a sync does not let in whom an admin here has suspended. */
  async function followActivity(
    scope: TenantScope,
    { link }: ScimUserRow,
    isActive: boolean
  ): Promise<void> {
    if (link === null) return
    const status = isActive ? 'active' : 'suspended'
    await memberships.change(scope, asId('user', link.userId), { status }, null)
  }

  async function update(
    scope: TenantScope,
    id: ScimUserId,
    change: (now: UserAttributes) => UserAttributes
  ): Promise<ScimUserView> {
    requireAuthority(scope, 'scim_user.update')
    const before = await db.inTenant(scope, (tx) => mustFind(tx, id))
    const intended = change(attributesOf(before))
    // First who may come in: a process that dies here leaves them out, and the next sync ends it.
    if (intended.isActive !== before.isActive)
      await followActivity(scope, before, intended.isActive)
    const updated = db.inTenant(scope, async (tx) => {
      const row = await lockScimUser(tx, id)
      if (row === null) throw new AppError('not_found')
      const after = change(attributesOf(row))
      await updateScimUser(tx, id, { ...columnsOf(after), updatedAt: clock.now() })
      await record(tx, 'scim_user.update', id, after)
      return await linkIfKnown(tx, id)
    })
    const after = await updated.catch(userNameTaken)
    if (before.link === null && !after.isActive) await followActivity(scope, after, false)
    return userView(after)
  }

  async function record(
    tx: Tx,
    action: `scim_user.${'create' | 'update' | 'delete'}`,
    id: ScimUserId,
    user: UserAttributes
  ) {
    const { userName, isActive } = user
    await audit.append(tx, { action, object: ['scim_user', id], details: { userName, isActive } })
  }

  return {
    async list(scope, { filter, startIndex, count }) {
      requireAuthority(scope, 'scim_user.list')
      const query = filter === null ? {} : queryOf(filter)
      return await db.inTenant(scope, async (tx) => {
        const { total, rows } = await listScimUsers(tx, query, {
          skip: startIndex - 1,
          take: count
        })
        return { total, startIndex, items: rows.map(userView) }
      })
    },
    async get(scope, id) {
      requireAuthority(scope, 'scim_user.get')
      return await db.inTenant(scope, async (tx) => userView(await mustFind(tx, id)))
    },
    async create(scope, body) {
      requireAuthority(scope, 'scim_user.create')
      const user = readUser(body, { isActive: true })
      const id = newId('scimUser', clock)
      const now = clock.now()
      const inserted = db.inTenant(scope, async (tx) => {
        await insertScimUser(tx, { ...columnsOf(user), id, createdAt: now, updatedAt: now })
        await record(tx, 'scim_user.create', id, user)
        return await linkIfKnown(tx, id)
      })
      const row = await inserted.catch(userNameTaken)
      if (!row.isActive) await followActivity(scope, row, false)
      return userView(row)
    },
    replace: (scope, id, body) => update(scope, id, (now) => readUser(body, now)),
    async patch(scope, id, body) {
      const changes = readPatch(body)
      return await update(scope, id, (now) => changeUser(now, changes))
    },
    async remove(scope, id) {
      requireAuthority(scope, 'scim_user.delete')
      for (let isGone = false; !isGone; ) {
        const row = await db.inTenant(scope, (tx) => mustFind(tx, id))
        if (row.link !== null) await removeMember(scope, asId('user', row.link.userId))
        isGone = await db.inTenant(scope, (tx) => removeIn(tx, id))
      }
    }
  }

  /** @returns false where they logged in meanwhile */
  async function removeIn(tx: Tx, id: ScimUserId): Promise<boolean> {
    const row = await lockScimUser(tx, id)
    if (row !== null && row.link !== null) return false
    if (row === null || !(await deleteScimUser(tx, id))) throw new AppError('not_found')
    await record(tx, 'scim_user.delete', id, attributesOf(row))
    return true
  }

  async function removeMember(scope: TenantScope, userId: UserId): Promise<void> {
    await memberships.remove(scope, userId).catch((err: unknown) => {
      // Removed here meanwhile: what was to be done is done.
      if (!(err instanceof AppError) || err.code !== 'not_found') throw err
    })
  }
}

async function mustFind(tx: Tx, id: ScimUserId): Promise<ScimUserRow> {
  const row = await findScimUser(tx, id)
  if (row === null) throw new AppError('not_found')
  return row
}

/** @throws ScimFault `invalidFilter` */
function queryOf(filter: string): ScimUserQuery {
  return Object.assign(
    {},
    ...parseFilter(filter).map(({ attribute, value }): ScimUserQuery => {
      switch (attribute) {
        case 'id':
          return { id: value }
        case 'username':
          return { userNameKey: value.toLowerCase() }
        case 'externalid':
          return { externalId: value }
        case 'emails':
        case 'emails.value':
          return { emailKey: value.toLowerCase() }
        default:
          throw new ScimFault('invalidFilter', `Users are not found by ${attribute}`)
      }
    })
  )
}

function userNameTaken(err: unknown): never {
  if (!(err instanceof UniqueViolation)) throw err
  throw new ScimFault('uniqueness', 'A user of this userName is there already')
}
