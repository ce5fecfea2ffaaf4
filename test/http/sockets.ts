import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { App } from '../../src/http/route.ts'

export async function listen(app: App): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** Sends bytes as they are and gives what came back until the connection closed. */
export function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('error', reject)
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
}

/** A connection that writes one byte every `everyMs`; resolves with how long it was let. */
export function trickle(port: number, head: string, everyMs: number): Promise<number> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(head))
    const timer = setInterval(() => socket.write('x'), everyMs)
    socket.on('data', () => {})
    socket.on('error', () => {})
    socket.once('close', () => {
      clearInterval(timer)
      resolve(performance.now() - startedAt)
    })
  })
}

export function open(port: number, options: RequestOptions): ClientRequest {
  return request({ port, host: '127.0.0.1', agent: false, ...options })
}

export function answerOf(req: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    req.once('response', resolve)
    req.once('error', reject)
  })
}

export async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function call(port: number, options: RequestOptions, body?: Buffer | string) {
  const req = open(port, options)
  const answer = answerOf(req)
  req.end(body)
  const res = await answer
  return { status: res.statusCode, headers: res.headers, body: await bytesOf(res) }
}
