import { AppError } from '../../base/errors.ts'
import { asId, newId, type TeamId } from '../../base/ids.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { Tx } from '../../store/db.ts'
import { UniqueViolation } from '../../store/db-errors.ts'
import { countFabricsOfTeam } from '../../store/fabrics.ts'
import {
  deleteProvisionedMembers,
  deleteScimGroup,
  findScimGroup,
  insertScimGroup,
  listScimGroupMembers,
  listScimGroups,
  lockScimGroup,
  type ScimGroupQuery,
  type ScimGroupRow,
  updateScimGroup
} from '../../store/scim-groups.ts'
import { deleteTeam, findTeam, insertTeam, lockTeam, updateTeam } from '../../store/teams.ts'
import { requireAuthority } from '../roles.ts'
import { parseFilter } from './filter.ts'
import { changeGroup, type GroupAttributes, readGroup } from './group-attributes.ts'
import { setGroupMembers } from './group-members.ts'
import { readPatch } from './patch.ts'
import type { ScimDeps, ScimGroups, ScimGroupView } from './scim.ts'
import { ScimFault } from './scim-fault.ts'

export function createScimGroups({ db, audit, clock }: ScimDeps): ScimGroups {
  async function views(tx: Tx, rows: readonly ScimGroupRow[]): Promise<ScimGroupView[]> {
    const teamIds = rows.map(({ teamId }) => teamId)
    const members = await listScimGroupMembers(tx, teamIds)
    return rows.map((row) => ({
      id: asId('team', row.teamId),
      displayName: row.team.name,
      externalId: row.externalId,
      members: members
        .filter(({ teamId }) => teamId === row.teamId)
        .map(({ scimUserId, userName }) => ({ id: asId('scimUser', scimUserId), userName })),
      createdAt: row.createdAt,
      updatedAt: row.updatedAt
    }))
  }

  async function viewOne(tx: Tx, id: TeamId): Promise<ScimGroupView> {
    const row = await findScimGroup(tx, id)
    const [view] = row === null ? [] : await views(tx, [row])
    if (view === undefined) throw new AppError('not_found')
    return view
  }

  async function record(
    tx: Tx,
    action: `scim_group.${'create' | 'update' | 'delete'}`,
    id: TeamId,
    details: Record<string, string>
  ) {
    await audit.append(tx, { action, object: ['team', id], details })
  }

  async function update(
    scope: TenantScope,
    id: TeamId,
    change: (now: GroupAttributes) => GroupAttributes
  ): Promise<ScimGroupView> {
    requireAuthority(scope, 'scim_group.update')
    const updated = db.inTenant(scope, async (tx) => {
      if ((await lockScimGroup(tx, id)) === null) throw new AppError('not_found')
      const { displayName, externalId, members } = await viewOne(tx, id)
      const present = new Set<string>(members.map((member) => member.id))
      const after = change({ displayName, externalId, members: present })
      const team = await findTeam(tx, id)
      if (team !== null && team.name !== after.displayName) {
        await updateTeam(tx, id, team.version, { name: after.displayName })
      }
      await updateScimGroup(tx, id, { externalId: after.externalId, updatedAt: clock.now() })
      await setGroupMembers(tx, id, present, after.members)
      await record(tx, 'scim_group.update', id, { name: after.displayName })
      return await viewOne(tx, id)
    })
    return await updated.catch(nameTaken)
  }

  return {
    async list(scope, { filter, startIndex, count }) {
      requireAuthority(scope, 'scim_group.list')
      const query = filter === null ? {} : queryOf(filter)
      return await db.inTenant(scope, async (tx) => {
        const page = { skip: startIndex - 1, take: count }
        const { total, rows } = await listScimGroups(tx, query, page)
        return { total, startIndex, items: await views(tx, rows) }
      })
    },
    async get(scope, id) {
      requireAuthority(scope, 'scim_group.get')
      return await db.inTenant(scope, (tx) => viewOne(tx, id))
    },
    async create(scope, body) {
      requireAuthority(scope, 'scim_group.create')
      const { displayName, externalId, members } = readGroup(body)
      const id = newId('team', clock)
      const now = clock.now()
      const inserted = db.inTenant(scope, async (tx) => {
        await insertTeam(tx, { id, name: displayName, kind: 'shared', createdAt: now })
        await insertScimGroup(tx, { teamId: id, externalId, createdAt: now, updatedAt: now })
        await setGroupMembers(tx, id, new Set(), members)
        await record(tx, 'scim_group.create', id, { name: displayName })
        return await viewOne(tx, id)
      })
      return await inserted.catch(nameTaken)
    },
    replace: (scope, id, body) => update(scope, id, () => readGroup(body)),
    async patch(scope, id, body) {
      const changes = readPatch(body)
      return await update(scope, id, (now) => changeGroup(now, changes))
    },
    async remove(scope, id) {
      requireAuthority(scope, 'scim_group.delete')
      await db.inTenant(scope, async (tx) => {
        const group = await lockScimGroup(tx, id)
        if (group === null) throw new AppError('not_found')
        await lockTeam(tx, id)
        await deleteProvisionedMembers(tx, id, null)
        await deleteScimGroup(tx, id)
        // What it owns is not the identity provider's to leave without a team.
        if ((await countFabricsOfTeam(tx, id)) === 0) await deleteTeam(tx, id)
        await record(tx, 'scim_group.delete', id, { name: group.team.name })
      })
    }
  }
}

/** @throws ScimFault `invalidFilter` */
function queryOf(filter: string): ScimGroupQuery {
  return Object.assign(
    {},
    ...parseFilter(filter).map(({ attribute, value }): ScimGroupQuery => {
      switch (attribute) {
        case 'id':
          return { id: value }
        case 'displayname':
          return { displayName: value }
        case 'externalid':
          return { externalId: value }
        case 'members':
        case 'members.value':
          return { memberId: value }
        default:
          throw new ScimFault('invalidFilter', `Groups are not found by ${attribute}`)
      }
    })
  )
}

function nameTaken(err: unknown): never {
  if (!(err instanceof UniqueViolation)) throw err
  throw new ScimFault('uniqueness', 'A team of this name is there already; rename one of them')
}
