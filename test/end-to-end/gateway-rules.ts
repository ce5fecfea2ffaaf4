import { describe, expect, test } from 'vitest'
import { logIn } from '../../src/local/weft-client.ts'
import type { World } from './gateway.test.ts'
import { isQuery } from './simulator.ts'
import { question } from './tenancy.ts'
import { jsonOf, type Received } from './wire.ts'

const whoami = '/serving-endpoints/whoami/invocations'

function problemOf(answer: Received): [number, unknown] {
  return [answer.status, answer.headers['x-weft-problem']]
}

/** What may stand in a path, before any URL is built from it. */
export function pathSuite(world: () => World): void {
  const invocationsOf = (name: string) => `/serving-endpoints/${name}/invocations`

  describe('E6 names of endpoints', () => {
    test.each([
      ['dot segments', '..'],
      ['one dot', '.'],
      ['encoded dot segments', '%2e%2e'],
      ['half encoded ones', '.%2E'],
      ['an encoded slash', 'a%2fb'],
      ['an encoded backslash', 'a%5Cb'],
      ['a backslash', 'a\\b'],
      ['an encoded NUL', 'a%00'],
      ['an encoded line end', 'a%0d%0ax-injected:1'],
      ['twice encoded dots', '%252e%252e'],
      ['an encoded letter', 'databricks%2Dllama'],
      ['a parameter', 'whoami;v=1'],
      ['an encoded question mark', 'whoami%3Fx'],
      ['an at sign', 'a@b'],
      ['64 characters', 'a'.repeat(64)],
      ['1,000 characters', 'a'.repeat(1_000)],
      ['a leading hyphen', '-a'],
      ['a letter that is no ASCII', '%C3%A9']
    ])('with %s: 400 invalid_request, and nothing goes upstream', async (_what, name) => {
      await world().workspace.mark()
      const answer = await world().ask(invocationsOf(name), { body: question })
      expect(problemOf(answer)).toEqual([400, 'invalid_request'])
      expect(await world().workspace.seen()).toEqual([])
    })

    test.each([
      ['a model with dot segments', '{"model":"../../api/2.0/token/create"}'],
      ['two models', '{"model":"whoami","model":"forbidden-model"}'],
      ['an escaped second model', '{"model":"whoami","\\u006dodel":"forbidden-model"}'],
      ['a model that is no string', '{"model":["whoami"]}'],
      ['no model', '{"messages":[]}'],
      ['no JSON', 'model=whoami'],
      ['no body', '']
    ])('in an OpenAI-compatible body, %s: 400, and nothing goes upstream', async (_what, body) => {
      await world().workspace.mark()
      const answer = await world().ask('/serving-endpoints/chat/completions', { body })
      expect(problemOf(answer)).toEqual([400, 'invalid_request'])
      expect(await world().workspace.seen()).toEqual([])
    })

    test.each([
      '/serving-endpoints/../api/2.0/token/list',
      '/serving-endpoints/a/b/invocations',
      '/serving-endpoints//invocations',
      '//serving-endpoints/whoami/invocations',
      '/serving-endpoints/whoami/invocations/',
      '/serving-endpoints/whoami/config',
      '/api/2.0/secrets/list',
      '/.well-known/databricks-config'
    ])('%s is 404 path_not_allowed, and nothing goes upstream', async (path) => {
      await world().workspace.mark()
      expect(problemOf(await world().ask(path, { body: question }))).toEqual([
        404,
        'path_not_allowed'
      ])
      expect(await world().workspace.seen()).toEqual([])
    })

    test('another method is 404 path_not_allowed', async () => {
      const answer = await world().ask(whoami, { method: 'GET' })
      expect(problemOf(answer)).toEqual([404, 'path_not_allowed'])
    })
  })
}

/** As whom, where, and what for. */
export function policySuite(world: () => World): void {
  describe('who acts as whom', () => {
    const askAs = (actAs: string | null, fabric = world().seeded) =>
      world().member.call(
        'POST',
        `/fabrics/${fabric}${whoami}`,
        JSON.parse(question),
        actAs === null ? {} : { 'x-weft-act-as': actAs }
      )
    const seenBy = ({ body }: { body: Record<string, unknown> }) =>
      (body.choices as { message: { content: string } }[])[0]?.message.content

    test('a person asks as themself, unasked and asked', async () => {
      await world().signIn(world().member, 'dev@acme.test')
      for (const actAs of [null, 'user']) {
        const answer = await askAs(actAs)
        expect(answer.headers.get('x-weft-identity')).toBe('user')
        expect(seenBy(answer)).toBe('dev@acme.test')
      }
    })

    test('403 for a member who acts as a service principal that is for admins', async () => {
      const answer = await askAs('service_principal')
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
    })

    test('a member may, where the fabric gives it to the team', async () => {
      const { id } = await world().fabric({ servicePrincipalUse: 'team' })
      const answer = await askAs('service_principal', id)
      expect(answer.headers.get('x-weft-identity')).toBe('service_principal')
      expect(seenBy(answer)).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('an admin may in any case', async () => {
      const target = `/fabrics/${world().seeded}${whoami}`
      const headers = { 'x-weft-act-as': 'service_principal' }
      const answer = await world().admin.call('POST', target, JSON.parse(question), headers)
      expect(answer.headers.get('x-weft-identity')).toBe('service_principal')
    })

    test('403 for a service account that acts as a user; 400 for another word', async () => {
      await world().workspace.mark()
      const as = (actAs: string) =>
        world().ask(whoami, {
          headers: world().headers({ 'x-weft-act-as': actAs }),
          body: question
        })
      expect(problemOf(await as('user'))).toEqual([403, 'forbidden'])
      expect(problemOf(await as('root'))).toEqual([400, 'invalid_request'])
      expect((await world().workspace.seen()).filter(isQuery)).toEqual([])
    })

    test('409 sign_in_needed with where to, for a person who has not signed in', async () => {
      const admin = await logIn(world().stack.weft, world().stack.tenant, 'admin@acme.test')
      const answer = await admin.call('POST', `/fabrics/${world().seeded}${whoami}`, {
        messages: []
      })
      expect([answer.status, answer.body.code]).toEqual([409, 'sign_in_needed'])
      expect(answer.body.actionUrl).toBe(`${world().stack.weft}/sign-in/${world().seeded}`)
    })

    test('409 service_principal_missing where there is none, whoever else is signed in', async () => {
      const { id } = await world().fabric({ servicePrincipal: undefined })
      const key = await world().key([{ fabricId: id }])
      const headers = world().headers({ authorization: `Bearer ${key}` })
      const answer = await world().ask(whoami, { fabric: id, headers, body: question })
      expect(problemOf(answer)).toEqual([409, 'service_principal_missing'])
    })

    test('a session cookie without x-weft-csrf is refused', async () => {
      const target = `/fabrics/${world().seeded}${whoami}`
      const headers = { 'x-weft-csrf': '0' }
      const answer = await world().member.call('POST', target, JSON.parse(question), headers)
      expect([answer.status, answer.body.code]).toEqual([403, 'csrf_refused'])
    })
  })

  describe('what a service account reaches', () => {
    const askWith = (key: string, fabric: string, path = whoami) =>
      world().ask(path, {
        fabric,
        headers: world().headers({ authorization: `Bearer ${key}` }),
        body: question
      })

    test('404 for a fabric that is not listed, in the same words as for no fabric', async () => {
      const key = await world().key([{ fabricId: world().seeded }])
      const { id } = await world().fabric()
      const [unlisted, absent] = [
        await askWith(key, id),
        await askWith(key, `fab_${'0'.repeat(26)}`)
      ]
      expect(problemOf(unlisted)).toEqual([404, 'not_found'])
      const wordsOf = (answer: Received) => ({ ...jsonOf(answer), instance: null })
      expect(wordsOf(unlisted)).toEqual(wordsOf(absent))
    })

    test('nothing is listed, nothing is allowed', async () => {
      expect(problemOf(await askWith(await world().key([]), world().seeded))).toEqual([
        404,
        'not_found'
      ])
    })

    test("the fabric's list and the account's list both narrow", async () => {
      const { id } = await world().fabric({ endpointAllowList: ['whoami', 'churn-model'] })
      const key = await world().key([{ fabricId: id, endpoints: ['whoami', 'databricks-llama'] }])
      const statusOf = async (name: string) =>
        problemOf(await askWith(key, id, `/serving-endpoints/${name}/invocations`))
      expect(await statusOf('whoami')).toEqual([200, undefined])
      expect(await statusOf('churn-model')).toEqual([403, 'endpoint_not_allowed'])
      expect(await statusOf('databricks-llama')).toEqual([403, 'endpoint_not_allowed'])
    })

    test('H7 429 rate_limited beyond its requests per minute, with the time to come again', async () => {
      const key = await world().key([{ fabricId: world().seeded, requestsPerMinute: 2 }])
      const answers = []
      for (let i = 0; i < 3; i += 1) answers.push(await askWith(key, world().seeded))
      const last = answers.pop()
      expect(answers.map(problemOf)).toEqual([
        [200, undefined],
        [200, undefined]
      ])
      if (last === undefined) throw new TypeError('no answer')
      expect(problemOf(last)).toEqual([429, 'rate_limited'])
      expect(Number(last.headers['retry-after'])).toBeGreaterThan(0)
      expect(Number(last.headers['retry-after'])).toBeLessThanOrEqual(30)
      expect(jsonOf(last)).toMatchObject({ owner: 'caller', retryAt: expect.any(String) })
    })

    test('401 without a key, with one that nobody made, and with a password', async () => {
      for (const authorization of ['', 'Bearer wfts_nothing', 'Basic d2VmdDp3ZWZ0']) {
        const headers = authorization === '' ? {} : { authorization }
        const answer = await world().ask(whoami, { headers, body: question })
        expect(problemOf(answer)).toEqual([401, 'unauthenticated'])
      }
    })
  })
}
