import { beforeAll, describe, expect, test } from 'vitest'
import type { UsageView } from '../../src/fabrics/usage-view.ts'
import type { World } from './gateway.test.ts'
import { jsonOf } from './wire.ts'

const messages = [{ role: 'user', content: 'one two three' }]
const model = 'databricks-llama'

/** What a call leaves behind, as an admin and a member read it. */
export function usageSuite(world: () => World): void {
  describe('usage of a fabric', () => {
    let fabric: string
    let account: { readonly id: string; readonly key: string }
    let told: { input: number; output: number }[] = []

    async function ask(path: string, body: unknown): Promise<Record<string, unknown>> {
      const headers = world().headers({ authorization: `Bearer ${account.key}` })
      const answer = await world().ask(path, { fabric, headers, body: JSON.stringify(body) })
      expect(answer.status).toBe(200)
      const text = answer.body.toString()
      const last = text.split('\n').findLast((line) => line.includes('"usage":{'))
      return jsonOf({ body: Buffer.from(last?.replace(/^data: /, '') ?? text) })
    }

    const read = (path = '', client = world().admin) =>
      client.expect<UsageView>(200, 'GET', `/api/v1/fabrics/${fabric}/usage${path}`)

    beforeAll(async () => {
      fabric = (await world().fabric()).id
      account = await world().account([{ fabricId: fabric }])
      const chat = '/serving-endpoints/chat/completions'
      const answers = [
        await ask(chat, { model, messages }),
        await ask(chat, { model, messages, stream: true }),
        await ask(`/serving-endpoints/${model}/invocations`, { messages }),
        await ask('/serving-endpoints/responses', { model, input: 'one two' }),
        await ask('/serving-endpoints/responses', { model, input: 'one two', stream: true })
      ]
      told = answers.map(countsOf)
      const headers = world().headers({ authorization: `Bearer ${account.key}` })
      const missing = '/serving-endpoints/not-there/invocations'
      expect((await world().ask(missing, { fabric, headers, body: '{}' })).status).toBe(404)
    })

    test('within a second it sums the tokens that every kind of answer told, and the errors', async () => {
      await expect.poll(async () => (await read()).total.calls, { timeout: 10_000 }).toBe(6)
      const { total, items } = await read('?groupBy=endpoint')
      const sum = (one: 'input' | 'output') => told.reduce((all, counts) => all + counts[one], 0)
      expect(sum('input')).toBeGreaterThan(0)
      expect(total).toMatchObject({
        errors: 1,
        inputTokens: sum('input'),
        outputTokens: sum('output'),
        totalTokens: sum('input') + sum('output')
      })
      expect(total.answerBytes).toBeGreaterThan(total.requestBytes)
      expect(total.duration.maxMs).toBeGreaterThan(0)
      expect(items.map(({ endpoint, calls, errors }) => [endpoint, calls, errors])).toEqual([
        [null, 1, 1],
        [model, 5, 0]
      ])
    })

    test('an admin sees who called, a member only that it was', async () => {
      const mine = await read('?groupBy=caller')
      expect(mine.items.map(({ caller }) => caller)).toEqual([
        { kind: 'service_account', id: account.id, name: expect.stringMatching(/^Service /) }
      ])
      const theirs = await read('', world().member)
      expect([theirs.items, theirs.total]).toEqual([[], mine.total])
    })

    test('the audit has the same calls, by fabric and action', async () => {
      const path = `/api/v1/audit-events?fabric=${fabric}&action=endpoint.query`
      const { items } = await world().admin.expect<{ items: { actor: { id: string } }[] }>(
        200,
        'GET',
        path
      )
      expect(items.map(({ actor }) => actor.id)).toEqual(Array(6).fill(account.id))
    })
  })
}

function countsOf(answer: Record<string, unknown>): { input: number; output: number } {
  const text = JSON.stringify(answer)
  const count = (names: string) => Number(new RegExp(`"(?:${names})":(\\d+)`).exec(text)?.[1])
  return {
    input: count('prompt_tokens|input_tokens'),
    output: count('completion_tokens|output_tokens')
  }
}
