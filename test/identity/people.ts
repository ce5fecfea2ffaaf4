import type { JWTPayload } from 'jose'
import type { App } from '../../src/http/route.ts'
import { appWith, browser } from '../http/fakes.ts'
import { adminEmail, createWorld, personNamed, publicUrl, type World } from './world.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server said
  readonly body: any
}

export interface Person {
  readonly id: string
  readonly sessionToken: string
  call(method: Method, url: string, body?: unknown): Promise<Answer>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** The API on real rooms, people who logged in, and what they ask of it. */
export interface People extends World {
  readonly app: App
  readonly admin: Person
  /** Logs in; a member from then on, if they were none. */
  enter(claims: JWTPayload, tenantSlug?: string): Promise<Person>
  member(name: string): Promise<Person>
  /** As the operator may, past all rules. */
  promote(person: Person): Promise<void>
  send(
    method: Method,
    url: string,
    headers: Record<string, string>,
    body?: unknown
  ): Promise<Answer>
}

export async function createPeople(): Promise<People> {
  const world = await createWorld()
  // What is injected has no socket that could be slow.
  const limits = { slowBodyIntervalMs: 3_600_000 }
  const { app } = await appWith({ identity: world.identity, deps: { publicUrl, limits } })

  async function send(
    method: Method,
    url: string,
    headers: Record<string, string>,
    body?: unknown
  ): Promise<Answer> {
    const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const answer = await app.inject({ method, url, headers: { ...type, ...headers }, ...payload })
    const isJson = String(answer.headers['content-type']).includes('json')
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      body: isJson ? answer.json() : null
    }
  }

  async function enter(claims: JWTPayload, tenantSlug = 'acme'): Promise<Person> {
    const { sessionToken } = await world.login(claims, { tenantSlug })
    const caller = await world.callerOf(sessionToken)
    return {
      id: caller.scope.actor.id,
      sessionToken,
      call: (method, url, body) => send(method, url, browser(sessionToken), body)
    }
  }

  const admin = await enter({ sub: 'root', email: adminEmail, email_verified: true })
  return {
    ...world,
    app,
    admin,
    enter,
    member: (name) => enter(personNamed(name)),
    send,
    async promote({ id }) {
      const role = `UPDATE memberships SET role = 'tenant_admin', status = 'active' WHERE user_id = $1`
      await world.sql(role, [id])
      await world.sql('UPDATE tenants SET version = version + 1')
      await world.noticeChanges()
    },
    async close() {
      await app.close()
      await world.close()
    }
  }
}
