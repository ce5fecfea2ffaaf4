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
