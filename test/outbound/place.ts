import type { RequestListener } from 'node:http'
import { afterEach } from 'vitest'
import type {
  ControlRequest,
  ControlResponse,
  HostRule,
  Lookup,
  Outbound,
  StreamRequest,
  StreamSink
} from '../../src/outbound/outbound.ts'
import { listen, outboundTo, toLoopback } from './fixtures.ts'
import { httpsServer, type TestServer } from './hostile-server.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export interface Place {
  readonly origin: string
  readonly rule: HostRule
  readonly outbound: Outbound
  readonly server: TestServer
  readonly get: (more?: Partial<ControlRequest>) => Promise<ControlResponse>
  readonly call: (
    request?: Partial<StreamRequest>,
    sink?: Partial<StreamSink>
  ) => ReturnType<typeof listen>
}

export interface PlaceOptions {
  readonly host?: string
  readonly protocol?: 'http' | 'https'
  readonly lookup?: Lookup
}

/** An outbound whose operator named this server; both end with the test. */
export function place(server: TestServer, options: PlaceOptions = {}): Place {
  const { host = 'workspace.test', protocol = 'https', lookup = toLoopback } = options
  const origin = `${protocol}://${host}:${server.port}`
  const rule: HostRule = { kind: 'origin', origin }
  const outbound = outboundTo([origin], lookup)
  closers.push(server.close, outbound.destroy)
  return {
    origin,
    rule,
    outbound,
    server,
    get: (more) => outbound.request({ url: origin, rule, method: 'GET', ...more }),
    call: (request, sink) => listen(outbound, origin, request, sink)
  }
}

export async function upstream(handler: RequestListener): Promise<Place> {
  return place(await httpsServer(handler))
}
