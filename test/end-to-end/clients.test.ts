import { afterAll, afterEach, beforeAll } from 'vitest'
import { startStack } from '../support/stack.ts'
import { startTlsFront } from '../support/tls-front.ts'
import { aiSdkSuite } from './clients-ai-sdk.ts'
import { curlSuite } from './clients-curl.ts'
import { openaiSuite } from './clients-openai.ts'
import { sdkSuite } from './clients-sdk.ts'
import { sqlDriverSuite } from './clients-sql-driver.ts'
import type { World } from './clients-world.ts'
import { resolveLocalhostNames } from './localhost-names.ts'
import { simulatorAt } from './simulator.ts'
import { openTenancy } from './tenancy.ts'

let world: World | undefined

beforeAll(async () => {
  resolveLocalhostNames()
  const stack = await startStack({ logLevel: 'info' })
  const tenancy = await openTenancy(stack)
  const id = stack.fabrics.find(({ kind }) => kind === 'sql')?.id ?? ''
  const path = `/api/v1/fabrics/${id}`
  const { compute } = await tenancy.admin.expect<{ compute: { warehouseId: string } }>(
    200,
    'GET',
    path
  )
  const host = stack.fabricHost.replace('//spark--', '//sql--')
  const workspace = simulatorAt(stack.workspaces[1])
  const sql = { id, host, workspace, ...compute }
  world = { ...tenancy, stack, sql, front: await startTlsFront(stack.weft) }
}, 120_000)

afterAll(async () => {
  await world?.front.close()
  await world?.stack.stop()
})

afterEach(async () => {
  await world?.sql.workspace.resetFaults()
})

function running(): World {
  if (world === undefined) throw new TypeError('the stack is not up yet')
  return world
}

openaiSuite(running)
aiSdkSuite(running)
sdkSuite(running)
sqlDriverSuite(running)
curlSuite(running)
