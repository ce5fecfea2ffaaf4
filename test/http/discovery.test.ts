import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { anonymous, appWith, browser, fabricId, service, tokens } from './fakes.ts'

const page = {
  items: [
    {
      id: 'w1',
      name: 'Starter',
      state: 'RUNNING',
      isUsable: true,
      permission: 'can_use',
      type: 'PRO',
      size: null,
      creator: null
    }
  ],
  nextCursor: 'next',
  identity: 'user',
  isCut: false
} as const

describe.each([
  ['warehouses', 'warehouse'],
  ['clusters', 'cluster'],
  ['serving-endpoints', 'serving_endpoint']
])('GET /api/v1/fabrics/{id}/%s', (path, kind) => {
  const url = `/api/v1/fabrics/${fabricId}/${path}`

  test('200 for a person and for a service account, each as what they ask to be', async () => {
    const inputs: unknown[] = []
    const { app } = await appWith({
      fabrics: {
        discover: async (_scope, id, query) => {
          inputs.push([id, query])
          return page
        }
      }
    })
    const plain = await app.inject({ url, headers: browser(tokens.member) })
    const full = `${url}?q=Star&as=service_principal&limit=7&cursor=c`
    const asService = await app.inject({ url: full, headers: service() })
    expect([plain.statusCode, asService.statusCode]).toEqual([200, 200])
    expect(plain.json()).toEqual(page)
    expect(inputs).toEqual([
      [fabricId, { kind, as: null, text: null, limit: 50, cursor: null }],
      [fabricId, { kind, as: 'service_principal', text: 'Star', limit: 7, cursor: 'c' }]
    ])
    await app.close()
  })

  test('D11 400 for what it does not know, all of it at once; 401 for a stranger', async () => {
    const { app } = await appWith()
    const bad = `${url}?as=admin&limit=0&q=${'x'.repeat(256)}&sort=name`
    const answer = await app.inject({ url: bad, headers: browser(tokens.member) })
    expect(answer.statusCode).toBe(400)
    const pointers = answer.json().errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(pointers.sort()).toEqual(['/query/as', '/query/limit', '/query/q', '/query/sort'])
    expect((await app.inject({ url, headers: anonymous })).statusCode).toBe(401)
    await app.close()
  })

  test('409 with where to sign in, absolute', async () => {
    const actionUrl = `/sign-in/${fabricId}`
    const { app } = await appWith({
      fabrics: { discover: () => Promise.reject(new AppError('sign_in_needed', { actionUrl })) },
      deps: { publicUrl: 'http://weft.test/weft' }
    })
    const answer = await app.inject({ url, headers: browser(tokens.member) })
    expect(answer.statusCode).toBe(409)
    expect(answer.json()).toMatchObject({
      code: 'sign_in_needed',
      owner: 'caller',
      actionUrl: `http://weft.test/weft/sign-in/${fabricId}`
    })
    await app.close()
  })
})
