import { createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestListener } from '../../src/fabrics/test-results.ts'
import { idle, principalOf, unheard } from './testing.ts'
import { as, createWorld, faultOf, principal, type World } from './world.ts'

const paceMs = 400
const looked: string[] = []
let world: World
let silent = ''
let closed = ''
const doors = [createServer(), createServer()] as const
beforeAll(async () => {
  const [stays, goes] = await Promise.all(
    doors.map(
      (door) =>
        new Promise<string>((resolve) =>
          door.listen(0, '127.0.0.1', () => {
            const address = door.address()
            if (address !== null && typeof address === 'object') {
              resolve(`https://localhost:${address.port}`)
            }
          })
        )
    )
  )
  silent = stays ?? ''
  closed = goes ?? ''
  doors[1].close()
  const lookup = async (hostname: string) => {
    looked.push(hostname)
    if (hostname === 'unknown.cloud.databricks.com') throw new TypeError('no such name')
    const address = hostname === 'private.cloud.databricks.com' ? '10.1.2.3' : '127.0.0.1'
    return [{ address, family: 4 as const }]
  }
  const reach = { deadlineMs: paceMs, paceMs }
  world = await createWorld({ extraOrigins: [silent, closed], lookup, reach })
})
afterAll(async () => {
  doors[0].close()
  await world?.close()
})
beforeEach(async () => {
  await world.clear()
  world.clock.advance(60_000)
})

const unsaved = (workspaceUrl: string, scope: typeof as.lead = as.lead) =>
  world.fabrics.testUnsaved(
    scope,
    world.newFabric({ workspaceUrl, compute: undefined }),
    'service_principal',
    unheard,
    idle()
  )

describe('E9 a test is no port scanner', () => {
  test('unknown, private, closed and filtered hosts: the same words, and as long to be told', async () => {
    const hosts = [
      'https://unknown.cloud.databricks.com',
      'https://private.cloud.databricks.com',
      closed,
      silent
    ]
    const told = await Promise.all(
      hosts.map(async (host) => {
        const { steps } = await unsaved(host)
        const failed = steps.find(({ status }) => status === 'failed')
        expect(failed?.durationMs, host).toBeGreaterThanOrEqual(paceMs - 5)
        return { detail: failed?.detail, action: failed?.action, owner: failed?.owner }
      })
    )
    for (const one of told) expect(one).toEqual(told[0])
  })

  test('a name that is not there and an address that is not public cannot be told apart', async () => {
    const steps = async (host: string) =>
      (await unsaved(host)).steps.map(({ durationMs: _spent, ...step }) => step)
    expect(await steps('https://private.cloud.databricks.com')).toEqual(
      await steps('https://unknown.cloud.databricks.com')
    )
  })

  test.each([
    'http://127.0.0.1:5432',
    'https://localhost',
    'https://10.0.0.1',
    'https://169.254.169.254',
    'https://internal.example',
    'https://dbc-1.cloud.databricks.com:22'
  ])('%s is outside: no name is looked up, and all such hosts read alike', async (host) => {
    looked.length = 0
    const { steps } = await unsaved(host)
    expect(looked).toEqual([])
    const outside = await unsaved('https://elsewhere.example')
    expect(steps).toEqual(outside.steps)
    expect(steps[0]).toMatchObject({ step: 'host', code: 'host_not_allowed' })
  })
})

describe('a person tests so often and no more', () => {
  test('429 with the time of the next try, each for themself, and again after a while', async () => {
    world.clock.advance(10 * 60_000)
    const outside = 'https://elsewhere.example'
    for (let count = 0; count < 20; count += 1) await unsaved(outside)
    const fault = await faultOf(unsaved(outside))
    expect(fault.code).toBe('rate_limited')
    expect(fault.retryAt?.getTime()).toBeGreaterThan(world.clock.now().getTime())
    expect((await unsaved(outside, as.admin)).ok).toBe(false)
    world.clock.advance(6_000)
    expect((await unsaved(outside)).ok).toBe(false)
    expect((await faultOf(unsaved(outside))).code).toBe('rate_limited')
  })

  test('whoever may not test takes nobody’s turn', async () => {
    for (let count = 0; count < 25; count += 1) {
      expect((await faultOf(unsaved('https://elsewhere.example', as.outsider))).code).toBe(
        'not_found'
      )
    }
  })
})

describe('a token that is tested is the secret’s own', () => {
  test('a secret that the workspace has replaced fails, though a token of it lives on', async () => {
    const clientId = '77770000-3a41-4f6e-9d2b-0c1a2b3c4d5e'
    const put = async (clientSecret: string) => {
      const body = JSON.stringify({ clientId, clientSecret, displayName: 'Replaced' })
      await fetch(`${world.workspace.url}/_sim/service-principals`, { method: 'POST', body })
    }
    await put(principal.clientSecret)
    const servicePrincipal = principalOf({ ...principal, clientId })
    const { id } = await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
    const run = () =>
      world.fabrics.testConnection(as.lead, id, 'service_principal', unheard, idle())
    expect((await run()).ok).toBe(true)
    await put('another-secret-0123456789')
    expect((await run()).steps.find(({ status }) => status === 'failed')).toMatchObject({
      step: 'token',
      code: 'service_principal_refused'
    })
  })

  test('a token that died early is renewed once, and that is told', async () => {
    const servicePrincipal = principalOf(principal)
    const { id } = await world.fabrics.create(as.lead, world.newFabric({ servicePrincipal }))
    const progress: unknown[] = []
    const listener: TestListener = {
      onStep: () => undefined,
      onProgress: (told) => void progress.push(told)
    }
    const run = () =>
      world.fabrics.testConnection(as.lead, id, 'service_principal', listener, idle())
    for (let count = 0; count < 2; count += 1) await run()
    await world.faults({ invalidateAccessTokens: true })
    progress.length = 0
    expect((await run()).ok).toBe(true)
    expect(progress).toContainEqual({
      step: 'identity',
      detail: 'The token was refused; asking for a new one'
    })
  })
})
