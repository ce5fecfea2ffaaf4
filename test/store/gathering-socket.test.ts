import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { createGatheringSocket } from '../../src/store/gathering-socket.ts'

test('what is written in one go leaves in one write, in its order, and nothing is left behind at the end', async () => {
  const got: Buffer[] = []
  const server = createServer((peer) => peer.on('data', (chunk) => got.push(chunk)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = createGatheringSocket()
  const writes: number[] = []
  const { _writev: writev } = socket
  socket._writev = (chunks, done) => {
    writes.push(chunks.length)
    return writev?.call(socket, chunks, done)
  }
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  for (const word of ['a', 'b', 'c']) socket.write(word)
  await expect.poll(() => Buffer.concat(got).toString()).toBe('abc')
  // As the driver does for the messages of one statement.
  socket.cork()
  socket.write('d')
  socket.write('e')
  socket.uncork()
  socket.write('f')
  await expect.poll(() => Buffer.concat(got).toString()).toBe('abcdef')
  expect(writes).toEqual([3, 3])
  socket.write('g')
  socket.end('h')
  await once(socket, 'close')
  expect(Buffer.concat(got).toString()).toBe('abcdefgh')
  server.close()
})
