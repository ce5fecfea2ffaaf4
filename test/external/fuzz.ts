import { connect } from 'node:net'
import { outputOf, type Target, type Tool } from './tool.ts'

const rounds = 150

/** Bytes of whole requests, as clients send them. */
function seedsOf({ weft, token, fabrics, endpoint }: Target): Buffer[] {
  const { host } = new URL(weft)
  const authorization = `Host: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close`
  const body = '{"name":"a","kind":"sql","workspaceUrl":"https://a.cloud.databricks.com"}'
  const post = (path: string, text: string) =>
    `POST ${path} HTTP/1.1\r\n${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
  return [
    `GET /oauth/callback/apc_1?code=abc&state=def&iss=https%3A%2F%2Fa HTTP/1.1\r\n${authorization}\r\n\r\n`,
    `GET /api/v1/audit-events?limit=5&actor=usr_1 HTTP/1.1\r\n${authorization}\r\n\r\n`,
    post('/api/v1/fabrics', body),
    post(`/fabrics/${fabrics[0]?.id}/serving-endpoints/${endpoint}/invocations`, '{"messages":[]}')
  ].map((text) => Buffer.from(text))
}

/** The status of the answer; null where the connection was closed without one. */
function send(port: number, bytes: Buffer): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    let text = ''
    socket.setTimeout(20_000, () => socket.destroy())
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? []
      resolve(status === undefined ? null : Number(status))
    })
  })
}

/** B9: requests with bits turned over, at the socket. */
export const zzuf: Tool = {
  program: 'zzuf',
  async run(target) {
    const port = Number(new URL(target.weft).port)
    const counts: Record<string, number> = {}
    for (const seed of seedsOf(target)) {
      for (let round = 0; round < rounds; round += 1) {
        const args = ['-s', String(round), '-r', String(0.002 + (round % 10) / 500)]
        const status = await send(port, await outputOf('zzuf', args, { seconds: 5, input: seed }))
        const name = String(status ?? 'closed')
        counts[name] = (counts[name] ?? 0) + 1
      }
    }
    const isAlive = (await fetch(`${target.weft}/healthz`)).ok
    const bad = Object.keys(counts).filter((name) => ['500', '501'].includes(name))
    const seen = Object.entries(counts).map(([name, count]) => `${name} ×${count}`)
    return [
      {
        did: `${4 * rounds} requests with bits turned over`,
        saw: `${seen.join(', ')}; ${isAlive ? 'alive' : 'DEAD'}`,
        isGood: bad.length === 0 && isAlive
      }
    ]
  }
}
