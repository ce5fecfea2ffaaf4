import type { ReplicaProcess } from '../support/replicas.ts'
import type { Answer, Call } from './client.ts'
import { pause } from './dice.ts'
import type { Findings } from './findings.ts'

/** All tokens and secrets of a run begin with this word; so do its encodings that begin at it. */
export const canaryPattern = /canary-|Y2FuYXJ5|63616e617279/i
const neverAnswered = new Set(['internal', 'unauthenticated', 'not_found', 'forbidden'])
const everyCanary = new RegExp(`(${canaryPattern.source})[\\w-]*`, 'gi')
const despairPattern = /unhandled|uncaught|FATAL ERROR|MaxListenersExceeded|heap out of memory/i

/** What a process has written holds no token and no word of despair. */
export function checkOutput(findings: Findings, name: string, output: string): void {
  for (const [rule, pattern] of [
    ['a token or a secret in a log', canaryPattern],
    ['a process despaired', despairPattern]
  ] as const) {
    const line = output.split('\n').find((one) => pattern.test(one))
    if (line === undefined) continue
    findings.violate(rule, { name, line: line.replaceAll(everyCanary, '<canary>') })
  }
}

/** The last that a process had to say beside its requests. */
export function lastLines(process: ReplicaProcess): string {
  const lines = process.output().trimEnd().split('\n')
  const others = lines.filter((line) => !line.includes('"msg":"request"')).slice(-8)
  return others.join('\n').replaceAll(everyCanary, '<canary>').slice(-2_000)
}

/** No answer holds a token or a secret, and Weft itself never breaks. */
export async function checkAnswer(
  findings: Findings,
  process: ReplicaProcess,
  { method, path }: Call,
  { status, text, code, headers }: Answer
): Promise<void> {
  findings.count('call')
  findings.count(`answer ${code ?? status}`)
  if (canaryPattern.test(text) || canaryPattern.test(JSON.stringify(headers))) {
    findings.violate('a token or a secret in an answer', `${method} ${path} ${status}`)
  }
  if (code === null || !neverAnswered.has(code)) return
  const requestId = /urn:weft:request:([\w-]+)/.exec(text)?.[1] ?? 'no request id'
  // Its line may come a little later than its answer.
  await pause(300)
  const lines = process.output().split('\n')
  const line = lines.find((one) => one.includes(requestId) && one.includes('"status":'))
  findings.violate(`answered ${code}`, `${method} ${path}: ${line ?? text.slice(0, 300)}`)
}
