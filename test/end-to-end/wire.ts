import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

export interface Received {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Whether the answer ended as HTTP says that it ends. */
  readonly isWhole: boolean
}

/** One request whose target goes out as it stands here: no client library tidies its path. */
export function send(origin: string, path: string, sent: Sent = {}): ClientRequest {
  const { hostname, port } = new URL(origin)
  const { method = 'POST', headers = {}, body = '' } = sent
  const req = request({ hostname, port, path, method, headers, agent: false })
  req.on('error', () => {})
  req.end(body)
  return req
}

/** The head, as soon as it is there. */
export async function headOf(req: ClientRequest): Promise<IncomingMessage> {
  const [res]: IncomingMessage[] = await once(req, 'response')
  if (!res) throw new TypeError('no response')
  res.on('error', () => {})
  return res
}

export async function exchange(origin: string, path: string, sent: Sent = {}): Promise<Received> {
  const res = await headOf(send(origin, path, sent))
  const chunks: Buffer[] = []
  res.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((settle) => res.once('close', settle))
  return {
    status: res.statusCode ?? 0,
    headers: res.headers,
    body: Buffer.concat(chunks),
    isWhole: res.complete
  }
}

export function jsonOf(answer: { readonly body: Buffer }): Record<string, unknown> {
  return JSON.parse(answer.body.toString('utf8'))
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
