import { randomBytes } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { isQuery, isToken } from './simulator.ts'
import { question } from './tenancy.ts'
import { jsonOf } from './wire.ts'

const path = '/serving-endpoints/whoami/invocations'

/** Tokens that die before their time, and refusals that are not about the token. */
export function tokenSuite(world: () => World): void {
  describe('a dead token', () => {
    /** A grant of its own for each test: how often one may be renewed by force is limited. */
    let fabric: string
    let authorization: string
    const ask = (body: string | Buffer, name = 'whoami') =>
      world().ask(`/serving-endpoints/${name}/invocations`, {
        fabric,
        headers: world().headers({ authorization }),
        body
      })
    const callers = {
      service_principal: () => ask(question),
      user: async () => {
        const target = `/fabrics/${world().seeded}${path}`
        const answer = await world().member.call('POST', target, JSON.parse(question))
        const headers = Object.fromEntries(answer.headers)
        return { status: answer.status, headers, body: Buffer.from(answer.text) }
      }
    }

    beforeAll(async () => {
      await world().signIn(world().member, 'dev@acme.test')
    })

    beforeEach(async () => {
      fabric = (await world().fabric()).id
      authorization = `Bearer ${await world().key([{ fabricId: fabric }])}`
    })

    test.each([
      ['service_principal', 401],
      ['service_principal', 403],
      ['user', 401],
      ['user', 403]
    ] as const)(
      'of the %s, refused with %i, costs one refresh and one retry; the caller sees 200',
      async (identity, deadTokenStatus) => {
        expect((await callers[identity]()).status).toBe(200)
        await world().workspace.setFaults({ deadTokenStatus, invalidateAccessTokens: true })
        await world().workspace.mark()
        const answer = await callers[identity]()
        expect(answer.status).toBe(200)
        expect(answer.headers['x-weft-identity']).toBe(identity)
        expect(answer.headers['server-timing']).toContain('token;desc=refreshed')
        const entries = await world().workspace.seen()
        expect(entries.filter(isQuery).map(({ status }) => status)).toEqual([deadTokenStatus, 200])
        expect(entries.filter(isToken).map(({ grantType }) => grantType)).toEqual([
          identity === 'user' ? 'refresh_token' : 'client_credentials'
        ])
      }
    )

    test('that many calls meet at once costs one refresh', async () => {
      await callers.service_principal()
      await world().workspace.setFaults({ invalidateAccessTokens: true })
      await world().workspace.mark()
      const answers = await Promise.all(Array.from({ length: 8 }, callers.service_principal))
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
      expect((await world().workspace.seen()).filter(isToken)).toHaveLength(1)
    })

    test.each([
      ['service_principal', 502, 'service_principal_refused'],
      ['user', 409, 'sign_in_needed']
    ] as const)(
      'of the %s whose successor is refused too ends after one retry as %i %s',
      async (identity, status, code) => {
        await callers[identity]()
        await world().workspace.setFaults({ apiStatus: 401 })
        await world().workspace.mark()
        const answer = await callers[identity]()
        expect(answer.status).toBe(status)
        expect(answer.headers['x-weft-problem']).toBe(code)
        const entries = await world().workspace.seen()
        expect(entries.filter(isQuery)).toHaveLength(2)
        expect(entries.filter(isToken)).toHaveLength(1)
      }
    )

    test('under a body too large to keep is renewed, and the caller is told to send it again', async () => {
      await callers.service_principal()
      await world().workspace.setFaults({ invalidateAccessTokens: true })
      await world().workspace.mark()
      const body = randomBytes(2 * 1024 * 1024)
      const answer = await ask(body)
      expect([answer.status, jsonOf(answer).code]).toEqual([503, 'overloaded'])
      expect(answer.headers['retry-after']).toMatch(/^\d+$/)
      expect((await world().workspace.seen()).filter(isQuery)).toHaveLength(1)
      expect((await ask(question)).status).toBe(200)
    })

    test('is not what PERMISSION_DENIED means: it passes as it is, with no refresh', async () => {
      await callers.service_principal()
      await world().workspace.mark()
      const answer = await ask(question, 'forbidden-model')
      expect(answer.status).toBe(403)
      expect(jsonOf(answer)).toMatchObject({ error_code: 'PERMISSION_DENIED' })
      expect(answer.headers['x-weft-problem']).toBeUndefined()
      const entries = await world().workspace.seen()
      expect(entries.filter(isToken)).toHaveLength(0)
      expect(entries.filter(isQuery)).toHaveLength(1)
    })

    test('is not what a refused address means either', async () => {
      await callers.service_principal()
      await world().workspace.setFaults({ ipBlocked: true })
      await world().workspace.mark()
      const answer = await callers.service_principal()
      expect(answer.status).toBe(403)
      expect(jsonOf(answer).message).toContain('IP ACL')
      expect((await world().workspace.seen()).filter(isToken)).toHaveLength(0)
    })
  })
}
