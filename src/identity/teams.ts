import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, newId, type TeamId } from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import { countFabricsOfTeam } from '../store/fabrics.ts'
import {
  deleteTeam,
  insertTeam,
  listTeams,
  lockTeam,
  type TeamRow,
  updateTeam
} from '../store/teams.ts'
import { requireAuthority } from './roles.ts'
import { createTeamMembers, type TeamMembers } from './team-members.ts'
import { mustFindSharedTeam, mustFindTeam } from './visible-team.ts'

export interface TeamView {
  readonly id: TeamId
  readonly name: string
  /** `personal`: of one member, made at joining, never shared or deleted by hand. */
  readonly kind: 'shared' | 'personal'
  /** Whether whoever joins the tenant joins this team too. */
  readonly isDefault: boolean
  readonly version: number
  readonly createdAt: Date
}

/** A tenant admin sees all teams, anyone else their own; another one is `not_found`. */
export interface Teams extends TeamMembers {
  list(scope: TenantScope, page: PageQuery): Promise<Page<TeamView>>
  get(scope: TenantScope, id: TeamId): Promise<TeamView>
  /** @throws AppError `invalid_request`: the name is taken */
  create(scope: TenantScope, input: { name: string }): Promise<TeamView>
  /** @throws AppError `invalid_request`: the name is taken; `version_conflict`; `forbidden`: a personal team */
  update(
    scope: TenantScope,
    id: TeamId,
    patch: { name?: string | undefined; version: number }
  ): Promise<TeamView>
  /** @throws AppError `conflict`: it owns fabrics; `forbidden`: a personal team */
  remove(scope: TenantScope, id: TeamId): Promise<void>
}

export function createTeams(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
}): Teams {
  const { db, audit, clock } = deps

  return {
    ...createTeamMembers(deps),
    async list(scope, { limit, cursor }) {
      requireAuthority(scope, 'team.list')
      return await db.inTenant(scope, async (tx) => {
        const { teams } = scope.authority
        return pageOf(await listTeams(tx, { limit: limit + 1, cursor, teams }), limit, viewOf)
      })
    },
    get: async (scope, id) =>
      await db.inTenant(scope, async (tx) => viewOf(await mustFindTeam(tx, id, 'team.get'))),
    async create(scope, { name }) {
      requireAuthority(scope, 'team.create')
      const row = { id: newId('team', clock), name, kind: 'shared', createdAt: clock.now() }
      const inserted = db.inTenant(scope, async (tx) => {
        const view = viewOf(await insertTeam(tx, row))
        await audit.append(tx, {
          action: 'team.create',
          object: ['team', row.id],
          details: { name }
        })
        return view
      })
      return await inserted.catch(nameTaken)
    },
    async update(scope, id, { name, version }) {
      const updated = db.inTenant(scope, async (tx) => {
        await mustFindSharedTeam(tx, id, 'team.update')
        const patch = name === undefined ? {} : { name }
        if (!(await updateTeam(tx, id, version, patch))) throw new AppError('version_conflict')
        await audit.append(tx, { action: 'team.update', object: ['team', id], details: patch })
        return viewOf(await mustFindTeam(tx, id, 'team.get'))
      })
      return await updated.catch(nameTaken)
    },
    async remove(scope, id) {
      await db.inTenant(scope, async (tx) => {
        await mustFindSharedTeam(tx, id, 'team.delete')
        await lockTeam(tx, id)
        const fabrics = await countFabricsOfTeam(tx, id)
        if (fabrics > 0) {
          const detail = `It owns ${fabrics} of the fabrics: transfer or delete them first`
          throw new AppError('conflict', { detail })
        }
        await deleteTeam(tx, id)
        await audit.append(tx, { action: 'team.delete', object: ['team', id] })
      })
    }
  }
}

function nameTaken(err: unknown): never {
  throw err instanceof UniqueViolation ? invalidRequest('/name', 'is taken') : err
}

function viewOf(row: TeamRow): TeamView {
  const isPersonal = row.kind === 'personal'
  return {
    id: asId('team', row.id),
    name: row.name,
    kind: isPersonal ? 'personal' : 'shared',
    isDefault: row.isDefault && !isPersonal,
    version: row.version,
    createdAt: row.createdAt
  }
}
