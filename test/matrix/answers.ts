import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Case } from './plan.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

const atOnce = 24

/** Sends the cases over real sockets, many at once, and gives each with its answer. */
export async function answersTo(port: number, cases: readonly Case[]): Promise<[Case, Answer][]> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const answers: [Case, Answer][] = []
  const left = [...cases]
  const work = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      answers.push([one, await answerTo(port, agent, one)])
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  agent.destroy()
  return answers
}

export function answerTo(
  port: number,
  agent: Agent,
  { method, path, headers, payload }: Pick<Case, 'method' | 'path' | 'headers' | 'payload'>
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, agent, method, path, headers: { ...headers } })
    req.once('error', reject)
    req.once('response', (res) => {
      text(res).then(
        (body) => resolve({ status: res.statusCode ?? 0, headers: res.headers, text: body }),
        reject
      )
    })
    req.end(payload ?? undefined)
  })
}

const ownHeaders = new Set(['date', 'server-timing', 'keep-alive', 'connection', 'content-length'])

/** An answer as it must be for whatever one does not see: whole, but for the time and what was named itself. */
export function plainOf({ ids }: Case, { status, headers, text: body }: Answer): string {
  const kept = Object.entries(headers).filter(([name]) => !ownHeaders.has(name))
  const whole = JSON.stringify([status, kept, body])
  return ids
    .filter((id) => id !== '')
    .reduce((said, id) => said.replaceAll(id, '{what was named}'), whole)
}
