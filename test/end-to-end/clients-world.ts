import type { StartedStack } from '../support/stack.ts'
import type { TlsFront } from '../support/tls-front.ts'
import type { Simulator } from './simulator.ts'
import type { Tenancy } from './tenancy.ts'

/** One running stack for all clients, each as its makers ship it. */
export interface World extends Tenancy {
  readonly stack: StartedStack
  /** The seeded SQL fabric: its id, its host, its warehouse and the workspace that it is at. */
  readonly sql: {
    readonly id: string
    readonly host: string
    readonly warehouseId: string
    readonly workspace: Simulator
  }
  /** TLS before Weft, for clients that insist on it. */
  readonly front: TlsFront
}

export const messages = [{ role: 'user' as const, content: 'Which thread runs across the warp?' }]
export const question = messages[0]?.content ?? ''

/** A key that differs from a real one in its last letter. */
export function misspelt(key: string): string {
  return `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`
}

/** What a client threw; null: nothing. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => null,
    (error: unknown) => error
  )
}
