import type { TeamId, TenantId } from '../../src/base/ids.ts'
import type { ExportedSettings, ImportResult } from '../../src/interchange/interchange.ts'
import { browserOf } from '../matrix/cast.ts'
import { createPlatform } from '../support/platform.ts'

export interface Answer<T> {
  readonly status: number
  readonly body: T
  readonly text: string
  readonly type: string
}

interface Fault {
  readonly pointer: string
  readonly message: string
  readonly line?: number
  readonly column?: number
}

export interface Problem {
  readonly code: string
  readonly errors: readonly Fault[]
}

/** A tenant with an admin, a member, and two teams called Red and Blue. */
export interface Settled {
  readonly tenantId: TenantId
  readonly red: TeamId
  readonly admin: Record<string, string>
  readonly member: Record<string, string>
}

export async function createWorld() {
  const platform = await createPlatform()
  const { world, app } = platform
  const { rows, sql } = world

  async function ask<T>(
    headers: Record<string, string>,
    method: 'GET' | 'PUT' | 'PATCH' | 'POST',
    url: string,
    payload?: string,
    type = 'application/yaml'
  ): Promise<Answer<T>> {
    const sent = payload === undefined ? {} : { payload }
    const typed = payload === undefined ? headers : { ...headers, 'content-type': type }
    const answer = await app.inject({ method, url, headers: typed, ...sent })
    return {
      status: answer.statusCode,
      text: answer.body,
      body: /json/.test(String(answer.headers['content-type'])) ? answer.json() : (null as T),
      type: String(answer.headers['content-type'])
    }
  }

  return {
    platform,
    sql,
    ask,
    async settle(slug: string): Promise<Settled> {
      const { tenantId, teamId } = await rows.tenant(slug)
      await sql(`UPDATE teams SET name = 'Red' WHERE id = $1`, [teamId])
      const blue = await platform.team(tenantId)
      await sql(`UPDATE teams SET name = 'Blue' WHERE id = $1`, [blue])
      const [admin, member] = [
        await platform.person(tenantId, [], 'tenant_admin'),
        await platform.person(tenantId, [[teamId, 'admin']])
      ]
      return {
        tenantId,
        red: teamId,
        admin: browserOf(await rows.session(tenantId, admin)),
        member: browserOf(await rows.session(tenantId, member))
      }
    },
    put: (who: Settled, text: string, query = '') =>
      ask<ImportResult & Problem>(who.admin, 'PUT', `/api/v1/import${query}`, text),
    async exported(who: Settled): Promise<ExportedSettings> {
      const headers = { ...who.admin, accept: 'application/json' }
      const { body } = await ask<ExportedSettings>(headers, 'GET', '/api/v1/export')
      return body
    },
    close: () => platform.close()
  }
}

export type World = Awaited<ReturnType<typeof createWorld>>
