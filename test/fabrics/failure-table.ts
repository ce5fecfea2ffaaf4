import { expect } from 'vitest'
import { problemCatalogue } from '../../src/base/errors.ts'
import type { NewFabric } from '../../src/fabrics/fabrics.ts'
import type {
  TestAs,
  TestListener,
  TestProgress,
  TestResult,
  TestStep
} from '../../src/fabrics/test-results.ts'
import { failedAt, idle, principalOf, summary } from './testing.ts'
import { as, principal, publicUrl, type World } from './world.ts'

/** One thing that goes wrong, planted at the workspace or on the way to it, and what is told of it. */
export interface Row {
  readonly name: string
  readonly step: TestStep
  /** Code and owner. */
  readonly told: string
  /** Default: either. */
  readonly as?: readonly TestAs[]
  /** Default: saved and unsaved. */
  readonly kinds?: readonly Kind[]
  readonly input?: () => Partial<NewFabric>
  readonly faults?: Record<string, unknown>
  readonly before?: () => Promise<unknown>
  readonly after?: () => Promise<unknown>
  readonly detail?: RegExp
  readonly action: RegExp
}

export type Kind = 'saved' | 'unsaved'

export interface Told {
  readonly result: TestResult
  readonly progress: readonly TestProgress[]
}

export const mePath = '/api/2.0/preview/scim/v2/Me'
export const denied = { error_code: 'PERMISSION_DENIED', message: 'No.' }

/** The very answer that a path of the API gives. */
export function planted(apiFaultPath: string, apiStatus: number, body: unknown, type?: string) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const apiBodyBase64 = Buffer.from(text).toString('base64')
  const apiContentType = type === undefined ? {} : { apiContentType: type }
  return { apiFaultPath, apiStatus, apiBodyBase64, ...apiContentType }
}

/** Runs a test; what the listener heard must be the steps of the answer. */
export async function tell(world: World, kind: Kind, who: TestAs, more: Partial<NewFabric>) {
  const servicePrincipal = who === 'user' ? undefined : principalOf(principal)
  const input = world.newFabric({ name: `${kind} ${who}`, servicePrincipal, ...more })
  const heard: unknown[] = []
  const progress: TestProgress[] = []
  const listener: TestListener = {
    onStep: (step) => void heard.push(step),
    onProgress: (one) => void progress.push(one)
  }
  const { fabrics } = world
  const result =
    kind === 'unsaved'
      ? await fabrics.testUnsaved(as.lead, input, who, listener, idle())
      : await fabrics.testConnection(
          as.lead,
          (await fabrics.create(as.lead, input)).id,
          who,
          listener,
          idle()
        )
  expect(heard, 'each step as it ended').toEqual(result.steps)
  return { result, progress } satisfies Told
}

/** Holds saved and unsaved alike to the row. */
export async function runRow(world: World, row: Row, who: TestAs): Promise<void> {
  await row.before?.()
  if (row.faults !== undefined) await world.faults(row.faults)
  const kinds = row.kinds ?? (['saved', 'unsaved'] as const)
  try {
    await Promise.all(kinds.map((kind) => check(world, row, kind, who)))
  } finally {
    await row.after?.()
  }
}

async function check(world: World, row: Row, kind: Kind, who: TestAs): Promise<void> {
  const { result } = await tell(world, kind, who, row.input?.() ?? {})
  expect(summary(result), kind).toEqual(failedAt(row.step, row.told))
  expect(result.ok).toBe(false)
  const failed = result.steps.find(({ status }) => status === 'failed')
  const [code = ''] = row.told.split(' ')
  expect(Object.keys(problemCatalogue)).toContain(code)
  expect(failed?.action).toMatch(row.action)
  expect(failed?.detail).toMatch(row.detail ?? /^[A-Z].{5,}/)
  const leadsToSignIn = code === 'sign_in_needed' && kind === 'saved'
  const signInAt = new RegExp(`^${publicUrl}/sign-in/fab_`)
  expect(failed?.actionUrl ?? '').toMatch(leadsToSignIn ? signInAt : /^$/)
  expect(JSON.stringify(result)).not.toMatch(/canary|ENOTFOUND|ECONNREFUSED|10\.1\.2\.3/)
}

/** One case for each identity. */
export function casesOf(rows: readonly Row[]) {
  const both = ['user', 'service_principal'] as const
  return rows.flatMap((row) =>
    (row.as ?? both).map((who) => [row.step, row.name, who, row] as const)
  )
}
