import { Agent } from 'node:http'
import { expect, test } from 'vitest'
import { createDeparture } from '../../src/http/plugins/closing.ts'
import { anonymous, appWith, browser, tokens } from './fakes.ts'
import { call, listen } from './sockets.ts'

const never = new AbortController().signal

test('H4 a replica that leaves is not ready at once, alive all the while, and serves on until its end is known', async () => {
  const departure = createDeparture(() => 0)
  const { app } = await appWith({
    deps: { departure },
    fabrics: { list: async () => ({ items: [], nextCursor: null }) }
  })
  const port = await listen(app)
  const look = () => call(port, { path: '/readyz', headers: anonymous })
  expect((await look()).status).toBe(200)
  const hurry = new AbortController()
  const isTime = departure.announce(hurry.signal)
  const refused = await look()
  expect(refused).toMatchObject({ status: 503 })
  expect(refused.body.toString()).toContain('"code":"shutting_down"')
  expect((await call(port, { path: '/healthz', headers: anonymous })).status).toBe(200)
  const headers = { ...browser(tokens.admin), connection: 'keep-alive' }
  const served = await call(port, { path: '/api/v1/fabrics', headers })
  expect(served).toMatchObject({ status: 200, headers: { connection: 'close' } })
  hurry.abort()
  await isTime
  await app.close()
})

test('H4 nobody is waited for who has not asked lately whether it is ready', async () => {
  let nowMs = 0
  const departure = createDeparture(() => nowMs)
  await departure.announce(never)
  expect(departure.isAnnounced).toBe(true)
  const other = createDeparture(() => nowMs)
  other.noteLook()
  nowMs = 31_000
  await other.announce(never)
})

test('H4 a connection whose last answer came while the replica was closing is not waited for', async () => {
  const listing = Promise.withResolvers<{ items: []; nextCursor: null }>()
  const asked = Promise.withResolvers<void>()
  const { app } = await appWith({
    fabrics: {
      list: () => {
        asked.resolve()
        return listing.promise
      }
    }
  })
  const port = await listen(app)
  const headers = { ...browser(tokens.admin), connection: 'keep-alive' }
  const agent = new Agent({ keepAlive: true })
  const served = call(port, { path: '/api/v1/fabrics', headers, agent })
  await asked.promise
  const closed = app.close()
  await expect.poll(() => app.server.listening).toBe(false)
  listing.resolve({ items: [], nextCursor: null })
  expect(await served).toMatchObject({ status: 200 })
  await closed
}, 10_000)
