import { Secret } from '../../src/base/secret.ts'
import type { NewFabric } from '../../src/fabrics/fabrics.ts'
import {
  type TestAs,
  type TestListener,
  type TestResult,
  testSteps
} from '../../src/fabrics/test-results.ts'
import { signIn } from './signing-in.ts'
import { as, type principal, type World } from './world.ts'

export const principalOf = ({ clientId, clientSecret }: typeof principal) => ({
  clientId,
  clientSecret: new Secret(clientSecret)
})
/** What a test says of an address that may not be called: its first step fails and no other is tried. */
export function refusedAddress({ ok, steps }: TestResult): string {
  const [first, ...rest] = steps
  if (ok || first?.status !== 'failed' || rest.some(({ status }) => status !== 'skipped')) {
    throw new TypeError('the address was not refused')
  }
  return first.code ?? ''
}

/** Who does not listen. */
export const unheard: TestListener = { onStep: () => undefined }
export const idle = () => new AbortController().signal

/** One word a step: `passed`, `skipped`, or `code owner` of the one that failed. */
export const summary = ({ steps }: TestResult) =>
  Object.fromEntries(
    steps.map(({ step, status, code, owner }) => [
      step,
      status === 'failed' ? `${code} ${owner}` : status
    ])
  )

/** All passed up to `step`, that one as told, the later ones skipped. */
export function failedAt(step: (typeof testSteps)[number], how: string): Record<string, string> {
  const at = testSteps.indexOf(step)
  return Object.fromEntries(
    testSteps.map((name, index) => [name, index < at ? 'passed' : index === at ? how : 'skipped'])
  )
}

/** Tests of fabrics in this world, as the team's admin; `heard` are the steps of the last one. */
export function tester(world: () => World) {
  const heard: string[] = []
  const listener: TestListener = { onStep: ({ step }) => void heard.push(step) }
  return {
    heard,
    listener,
    async run(who: TestAs, more: Partial<NewFabric> = {}, before?: () => Promise<unknown>) {
      const { fabrics } = world()
      const fabric = await fabrics.create(as.lead, world().newFabric(more))
      if (who === 'user') await signIn(world(), as.lead, fabric.id)
      await before?.()
      heard.splice(0)
      return await fabrics.testConnection(as.lead, fabric.id, who, listener, idle())
    },
    async runUnsaved(who: TestAs, more: Partial<NewFabric> = {}) {
      heard.splice(0)
      const input = world().newFabric(more)
      return await world().fabrics.testUnsaved(as.lead, input, who, listener, idle())
    }
  }
}
