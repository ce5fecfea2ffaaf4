import { afterAll, afterEach, beforeAll } from 'vitest'
import { type StartedStack, startStack } from '../support/stack.ts'
import { leavingSuite } from './gateway-leaving.ts'
import { passingSuite } from './gateway-passing.ts'
import { routeSuite } from './gateway-routes.ts'
import { pathSuite, policySuite } from './gateway-rules.ts'
import { sqlSuite } from './gateway-sql.ts'
import { tableSuite } from './gateway-table.ts'
import { tokenSuite } from './gateway-tokens.ts'
import { usageSuite } from './gateway-usage.ts'
import { workspaceSuite } from './gateway-workspace.ts'
import { type Simulator, simulatorAt } from './simulator.ts'
import { openTenancy, type Tenancy } from './tenancy.ts'
import { exchange, type Received, type Sent } from './wire.ts'

/** The running stack as the suites of this file see it. */
export interface World extends Tenancy {
  readonly stack: StartedStack
  /** The workspace of the seeded Spark fabric, and of those that the tests make. */
  readonly workspace: Simulator
  /** A call on the data plane, with the seeded service key unless the headers say otherwise. */
  ask(path: string, sent?: Sent & { readonly fabric?: string }): Promise<Received>
  headers(more?: Readonly<Record<string, string>>): Record<string, string>
}

let world: World | undefined

beforeAll(async () => {
  const stack = await startStack()
  const tenancy = await openTenancy(stack)
  const headers: World['headers'] = (more = {}) => ({
    authorization: `Bearer ${stack.serviceKey}`,
    'content-type': 'application/json',
    ...more
  })
  world = {
    ...tenancy,
    stack,
    workspace: simulatorAt(stack.workspaces[0]),
    headers,
    ask: (path, { fabric = tenancy.seeded, ...sent } = {}) =>
      exchange(stack.weft, `/fabrics/${fabric}${path}`, { headers: headers(), ...sent })
  }
}, 120_000)

afterAll(async () => {
  await world?.stack.stop()
})

afterEach(async () => {
  await world?.workspace.resetFaults()
})

function running(): World {
  if (world === undefined) throw new TypeError('the stack is not up yet')
  return world
}

passingSuite(running)
leavingSuite(running)
tokenSuite(running)
routeSuite(running)
pathSuite(running)
policySuite(running)
workspaceSuite(running)
sqlSuite(running)
tableSuite(running)
usageSuite(running)
