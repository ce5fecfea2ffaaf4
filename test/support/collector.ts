import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

/** As OTLP/HTTP has it in JSON. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: readonly Attribute[]
  readonly events: readonly { readonly name: string }[]
  readonly status: { readonly code?: number }
}

interface Message {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[]
  }[]
}

/** An OpenTelemetry collector, as far as it takes spans over HTTP; answers what it is told to. */
export async function startCollector() {
  const bodies: Buffer[] = []
  const headers: IncomingHttpHeaders[] = []
  const paths: string[] = []
  const told = { statuses: [] as number[] }
  const server = createServer(async (req, res) => {
    const status = told.statuses.shift() ?? 200
    bodies.push(await buffer(req))
    headers.push(req.headers)
    paths.push(req.url ?? '')
    res.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const messages = (): Message[] => bodies.map((body) => JSON.parse(body.toString('utf8')))
  return {
    origin: `http://127.0.0.1:${port}`,
    bodies,
    headers,
    paths,
    told,
    messages,
    spans: () =>
      messages().flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      ),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

export function attributesOf({ attributes }: Pick<ReceivedSpan, 'attributes'>) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
