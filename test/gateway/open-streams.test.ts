import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { fabricId } from './fakes.ts'
import { memoryInUse, served } from './served.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const streams = 200
const eventsEach = 60
const event = `data: ${'x'.repeat(40)}\n\n`
const chunk = `${event.length.toString(16)}\r\n${event}\r\n`
const head =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const request =
  `POST /fabrics/${fabricId}/serving-endpoints/whoami/invocations HTTP/1.1\r\n` +
  'Host: weft.test\r\nAuthorization: Bearer wfts_a\r\nContent-Length: 2\r\n\r\n{}'

test('an open stream keeps of its small events no more than a copy of the last', async () => {
  const asked: Socket[] = []
  // Bare sockets on both sides, so that what is measured is Weft.
  const workspace = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => asked.push(socket))
  })
  workspace.listen(0, '127.0.0.1')
  await once(workspace, 'listening')
  const { port } = workspace.address() as AddressInfo
  const weft = await served([{ origin: `http://127.0.0.1:${port}`, close: async () => {} }])
  closers.push(weft.close, async () => void workspace.close())

  let received = 0
  const clients = Array.from({ length: streams }, () => connect(weft.port, '127.0.0.1'))
  for (const client of clients) {
    client
      .on('error', () => {})
      .on('data', (bytes) => {
        received += bytes.toString('latin1').split('data: ').length - 1
      })
    client.write(request)
  }
  await expect.poll(() => asked.length, { timeout: 20_000 }).toBe(streams)
  const tell = async (bytes: string, count: number) => {
    for (const socket of asked) socket.write(bytes)
    await expect.poll(() => received, { timeout: 20_000, interval: 1 }).toBe(streams * count)
  }
  const inUse = () => {
    const { heapUsed, arrayBuffers } = memoryInUse()
    return heapUsed + arrayBuffers
  }
  await tell(head + chunk, 1)
  const before = inUse()
  for (let turn = 2; turn <= eventsEach; turn += 1) await tell(chunk, turn)
  // Each as it came would take some three hundred bytes beside its text.
  await expect.poll(() => (inUse() - before) / streams).toBeLessThan(eventsEach * 150)
  for (const client of clients) client.destroy()
})
