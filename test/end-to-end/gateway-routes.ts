import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import type { World } from './gateway.test.ts'
import { isToken } from './simulator.ts'
import { jsonOf } from './wire.ts'

const name = 'fast-model'
const path = `/serving-endpoints/${name}/invocations`
const question = JSON.stringify({ inputs: [[1], [2]] })
const isInvocation = (entry: { path: string }) => entry.path.endsWith(`/${name}/invocations`)

/** Endpoints with a data plane of their own: another host, another token. */
export function routeSuite(world: () => World): void {
  describe('a route-optimized endpoint', () => {
    beforeAll(async () => {
      await world().signIn(world().member, 'dev@acme.test')
    })

    const callers = {
      service_principal: async () => {
        const { id } = await world().fabric()
        const authorization = `Bearer ${await world().key([{ fabricId: id }])}`
        const headers = world().headers({ authorization })
        return () => world().ask(path, { fabric: id, headers, body: question })
      },
      user: async () => async () => {
        const target = `/fabrics/${world().seeded}${path}`
        const answer = await world().member.call('POST', target, JSON.parse(question))
        const headers = Object.fromEntries(answer.headers)
        return { status: answer.status, headers, body: Buffer.from(answer.text) }
      }
    }

    test.each([
      ['service_principal', 'client_credentials'],
      ['user', 'urn:ietf:params:oauth:grant-type:jwt-bearer']
    ] as const)(
      'is asked by the %s at its own host, with a token got by %s that opens it alone',
      async (identity, grantType) => {
        const ask = await callers[identity]()
        await world().workspace.mark()
        const answer = await ask()
        expect(answer.status).toBe(200)
        expect(JSON.parse(answer.body.toString()).predictions).toHaveLength(2)
        expect(answer.headers['x-weft-identity']).toBe(identity)
        const seen = await world().workspace.seen()
        // The workspace's own host has no such path, and its data plane takes no other token.
        const invocations = seen.filter(isInvocation)
        expect(invocations).toMatchObject([
          { path: expect.stringMatching(/^\/\d+\//), status: 200 }
        ])
        const token = seen.filter(isToken).at(-1)
        expect(token).toMatchObject({ grantType, tokenId: invocations[0]?.tokenId })
      }
    )

    test('costs one token for many calls, and is renewed with the grant when it dies before its time', async () => {
      const ask = await callers.service_principal()
      await ask()
      await world().workspace.mark()
      const answers = await Promise.all(Array.from({ length: 8 }, ask))
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
      expect((await world().workspace.seen()).filter(isToken)).toEqual([])
      await world().workspace.setFaults({ invalidateAccessTokens: true })
      expect((await ask()).status).toBe(200)
      expect((await world().workspace.seen()).filter(isToken)).toHaveLength(2)
    })

    test('that one may not ask is forbidden, and nothing reaches it', async () => {
      const { id } = await world().fabric()
      const authorization = `Bearer ${await world().key([{ fabricId: id }])}`
      await world().workspace.mark()
      const answer = await world().ask('/serving-endpoints/forbidden-fast-model/invocations', {
        fabric: id,
        headers: world().headers({ authorization }),
        body: question
      })
      expect([answer.status, answer.headers['x-weft-problem']]).toEqual([403, 'forbidden'])
      expect(jsonOf(answer)).toMatchObject({ error_code: expect.any(String) })
      const seen = await world().workspace.seen()
      expect(seen.filter((entry) => entry.path.endsWith('/invocations'))).toEqual([])
    })

    test('E1 F45 described as on a foreign host sends it nothing at all, not even a connection', async () => {
      let connections = 0
      const foreign = createServer((_req, res) => res.end('{}'))
      foreign.on('connection', () => {
        connections += 1
      })
      await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
      const { port } = foreign.address() as AddressInfo
      const details = [
        {
          type: 'workspace_permission',
          object_type: 'serving-endpoints',
          object_path: '/serving-endpoints/0123456789abcdef0123456789abcdef',
          actions: ['query_inference_endpoint']
        }
      ]
      const description = {
        name,
        route_optimized: true,
        data_plane_info: {
          query_info: {
            endpoint_url: `http://127.0.0.1:${port}/900800700601${path}`,
            authorization_details: JSON.stringify(details)
          }
        }
      }
      const ask = await callers.service_principal()
      await world().workspace.setFaults({
        apiFaultPath: `/api/2.0/serving-endpoints/${name}`,
        apiBodyBase64: Buffer.from(JSON.stringify(description)).toString('base64')
      })
      await world().workspace.mark()
      // Asked at the workspace instead, which says itself that this is not the place.
      expect((await ask()).status).toBe(400)
      const seen = await world().workspace.seen()
      expect(seen.filter(isInvocation).map((entry) => entry.path)).toEqual([path])
      expect(seen.filter(isToken)).toHaveLength(1)
      expect(connections).toBe(0)
      foreign.close()
    })
  })
}
