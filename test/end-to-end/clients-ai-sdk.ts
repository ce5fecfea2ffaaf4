import { createDatabricksProvider } from '@databricks/ai-sdk-provider'
import { describe, expect, test } from 'vitest'
import { failureOf, misspelt, question, type World } from './clients-world.ts'

const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: question }] }]
const kinds = ['chatCompletions', 'responses'] as const

export function aiSdkSuite(world: () => World): void {
  const provider = (key = world().stack.serviceKey, fabric = world().seeded) =>
    createDatabricksProvider({
      baseURL: `${world().stack.weft}/fabrics/${fabric}/serving-endpoints`,
      headers: { authorization: `Bearer ${key}` }
    })

  describe('@databricks/ai-sdk-provider with a service key', () => {
    test.each(kinds)('%s, whole', async (kind) => {
      const { content } = await provider()[kind](world().stack.endpoint).doGenerate({ prompt })
      expect(JSON.stringify(content)).toContain(question)
    })

    test.each(kinds)('%s, streamed', async (kind) => {
      const { stream } = await provider()[kind](world().stack.endpoint).doStream({ prompt })
      let text = ''
      const types = new Set<string>()
      for await (const part of stream) {
        types.add(part.type)
        if (part.type === 'text-delta') text += part.delta
      }
      expect(text).toContain(question)
      expect(types).toContain('finish')
      expect(types).not.toContain('error')
    })

    test.each(kinds)('%s reads a problem as its APICallError, whole and streamed', async (kind) => {
      const wrong = misspelt(world().stack.serviceKey)
      const absent = `fab_${'0'.repeat(26)}`
      const { id: bare } = await world().fabric({ servicePrincipal: undefined })
      const key = await world().key([{ fabricId: bare }])
      const cases = [
        [provider(wrong), 401, 'unauthenticated'],
        [provider(undefined, absent), 404, 'not_found'],
        [provider(key, bare), 409, 'service_principal_missing']
      ] as const
      for (const [one, statusCode, code] of cases) {
        for (const way of ['doGenerate', 'doStream'] as const) {
          const error = await failureOf(Promise.resolve(one[kind]('whoami')[way]({ prompt })))
          expect(error).toMatchObject({
            name: 'AI_APICallError',
            statusCode,
            responseHeaders: { 'x-weft-problem': code }
          })
        }
      }
    })
  })
}
