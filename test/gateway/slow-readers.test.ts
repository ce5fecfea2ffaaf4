import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { fabricId } from './fakes.ts'
import { memoryInUse, served, workspaceAt } from './served.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const clients = 25
const answerBytes = 400 * 1024 * 1024
const piece = Buffer.alloc(64 * 1024, 'x')

test('H2 25 clients that read nothing of 400 MB each: the workspace waits, memory is bounded, all are let go', async () => {
  let sentBytes = 0
  let closed = 0
  const workspace = await workspaceAt((_req, res) => {
    let left = answerBytes
    const write = () => {
      while (left > 0) {
        left -= piece.length
        sentBytes += piece.length
        if (!res.write(piece)) return
      }
      res.end()
    }
    res.on('drain', write).once('close', () => {
      closed += 1
    })
    res.writeHead(200, { 'content-type': 'application/octet-stream' })
    write()
  })
  const weft = await served([workspace], { limits: { slowReaderMs: 4_000, timeoutCheckMs: 500 } })
  closers.push(weft.close)
  const sockets: Socket[] = []
  const before = memoryInUse()
  for (let i = 0; i < clients; i += 1) {
    const socket = connect(weft.port, '127.0.0.1')
    socket.on('error', () => {})
    const target = `/fabrics/${fabricId}/serving-endpoints/whoami/invocations`
    const head = 'Host: weft.test\r\nAuthorization: Bearer wfts_a\r\nContent-Length: 2'
    socket.pause().write(`POST ${target} HTTP/1.1\r\n${head}\r\n\r\n{}`)
    sockets.push(socket)
  }
  await expect.poll(workspace.requests, { timeout: 20_000 }).toBe(clients)
  let stood = -1
  const standsStill = () => {
    const isStill = stood === sentBytes
    stood = sentBytes
    return isStill
  }
  await expect.poll(standsStill, { interval: 300, timeout: 20_000 }).toBe(true)
  const { arrayBuffers, heapUsed } = memoryInUse()
  // What stands in the kernel's buffers is the kernel's; of ours there is a chunk or two for each.
  expect(sentBytes).toBeLessThan((clients * answerBytes) / 10)
  expect(arrayBuffers - before.arrayBuffers).toBeLessThan(clients * 4 * 1024 * 1024)
  expect(heapUsed - before.heapUsed).toBeLessThan(64 * 1024 * 1024)
  await expect.poll(() => weft.slowClients.readers, { timeout: 20_000 }).toBe(clients)
  await expect.poll(() => closed, { timeout: 20_000 }).toBe(clients)
  expect(weft.gateway.load().inFlight).toBe(0)
  for (const socket of sockets) socket.destroy()
})
