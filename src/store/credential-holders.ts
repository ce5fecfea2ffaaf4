import type { Question } from './asking.ts'
import { Prisma } from './generated/client.ts'
import { believedMappings } from './group-mappings.ts'
import type { MembershipRow } from './memberships.ts'
import type { PersonalTokenRow } from './personal-tokens.ts'
import type { SessionRow } from './sessions.ts'
import type { TeamPlace } from './teams.ts'

/** What a person presented. Whose it is, a statement of the same round trip finds out. */
export interface PersonsCredential {
  readonly table: 'sessions' | 'personal_tokens'
  readonly hash: string
}

export function sessionOf(hash: string): Question<SessionRow> {
  return {
    sql: Prisma.sql`SELECT * FROM sessions WHERE tenant_id = weft_tenant() AND token_hash = ${hash}`
  }
}

export function personalTokenOf(hash: string): Question<PersonalTokenRow> {
  return {
    sql: Prisma.sql`SELECT * FROM personal_tokens WHERE tenant_id = weft_tenant() AND hash = ${hash}`
  }
}

/** With the role given by hand, as `findMembership`. */
export function membershipOfHolder(credential: PersonsCredential): Question<MembershipRow> {
  return {
    sql: Prisma.sql`SELECT * FROM memberships
      WHERE tenant_id = weft_tenant() AND user_id = ${holderOf(credential)}`
  }
}

/** Each place that the person has in a team, one by hand and one by each group; `placesOf` makes one of them. */
export function placesOfHolder(credential: PersonsCredential): Question<TeamPlace> {
  return {
    sql: Prisma.sql`
      SELECT m.user_id, t.id, t.name, t.kind, m.role FROM team_members m
        JOIN teams t ON t.tenant_id = m.tenant_id AND t.id = m.team_id
       WHERE m.tenant_id = weft_tenant() AND m.user_id = ${holderOf(credential)}
      UNION ALL
      SELECT m.user_id, t.id, t.name, t.kind, g.role FROM ${believedMappings}
        JOIN teams t ON t.tenant_id = g.tenant_id AND t.id = g.team_id
       WHERE m.tenant_id = weft_tenant() AND m.user_id = ${holderOf(credential)}`
  }
}

/** One row where a group of their last login makes the person a tenant admin, as `isMappedAdmin`. */
export function mappedAdminOfHolder(credential: PersonsCredential): Question<unknown> {
  return {
    sql: Prisma.sql`SELECT 1 AS ok FROM ${believedMappings}
      WHERE m.tenant_id = weft_tenant() AND m.user_id = ${holderOf(credential)}
        AND g.role = 'tenant_admin' LIMIT 1`
  }
}

/** One row where the person runs the platform, as `isPlatformOperator`. */
export function operatorOfHolder(credential: PersonsCredential): Question<unknown> {
  return {
    sql: Prisma.sql`SELECT 1 AS ok FROM platform_operators
      WHERE user_id = ${holderOf(credential)} AND removed_at IS NULL`
  }
}

function holderOf({ table, hash }: PersonsCredential): Prisma.Sql {
  return table === 'sessions'
    ? Prisma.sql`(SELECT user_id FROM sessions WHERE tenant_id = weft_tenant() AND token_hash = ${hash})`
    : Prisma.sql`(SELECT user_id FROM personal_tokens WHERE tenant_id = weft_tenant() AND hash = ${hash})`
}
