import { Agent, request } from 'node:http'
import { serveTls } from '../../src/local/databricks/tls-listener.ts'
import { certificate } from './tls/certificates.ts'

export interface TlsFront {
  readonly port: number
  /** `METHOD target` of all that came, in order. */
  readonly seen: readonly string[]
  close(): Promise<void>
}

/** What trusts the front. */
export const frontCa = certificate('weft').cert

/** What ends TLS before a Weft that speaks plain HTTP; of a call it changes nothing but the port in `Host`. */
export async function startTlsFront(weft: string): Promise<TlsFront> {
  const { port } = new URL(weft)
  const agent = new Agent({ keepAlive: true })
  const seen: string[] = []
  const listener = await serveTls(certificate('weft'), (req, res) => {
    seen.push(`${req.method} ${req.url}`)
    const host = (req.headers.host ?? '').replace(/:\d+$/, `:${port}`)
    const { method = 'GET', url: path = '/' } = req
    const headers = { ...req.headers, host }
    const onward = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(res)
    })
    onward.once('error', () => res.destroy())
    req.pipe(onward)
  })
  return {
    port: listener.port,
    seen,
    async close() {
      await listener.close()
      agent.destroy()
    }
  }
}
