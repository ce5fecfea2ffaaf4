import { Counter, Gauge, type Registry } from 'prom-client'
import { type Gateway, refusalReasons } from '../gateway/gateway.ts'
import type { SlowClients } from './server-options.ts'

export interface GatewayMetricsDeps {
  readonly gateway: Pick<Gateway, 'load'>
  readonly slowClients: Readonly<SlowClients>
  /** How late the event loop's turns come, milliseconds. */
  readonly lagMs: () => number
}

/** What the gateway is at, read when the metrics are. */
export function registerGatewayMetrics(
  register: Registry,
  { gateway, slowClients, lagMs }: GatewayMetricsDeps
): void {
  const registers = [register]
  new Gauge({
    name: 'weft_gateway_calls_in_flight',
    help: 'Calls on the data plane that are under way',
    registers,
    collect() {
      this.set(gateway.load().inFlight)
    }
  })
  new Gauge({
    name: 'weft_gateway_breakers_open',
    help: 'Workspace hosts that have not answered for a while and are only probed',
    registers,
    collect() {
      this.set(gateway.load().openBreakers)
    }
  })
  new Counter({
    name: 'weft_gateway_calls_refused_total',
    help: 'Calls refused before anything of them was sent, by the bound that they met',
    labelNames: ['bound'],
    registers,
    collect() {
      this.reset()
      const { refused } = gateway.load()
      for (const bound of refusalReasons) this.inc({ bound }, refused[bound])
    }
  })
  new Counter({
    name: 'weft_slow_clients_cut_total',
    help: 'Connections cut because the client was slow with its body, or slow to read an answer',
    labelNames: ['at'],
    registers,
    collect() {
      this.reset()
      this.inc({ at: 'body' }, slowClients.bodies)
      this.inc({ at: 'answer' }, slowClients.readers)
    }
  })
  new Gauge({
    name: 'weft_event_loop_late_seconds',
    help: 'How late the turns of the event loop come; above 0.2 no new call is taken',
    registers,
    collect() {
      this.set(lagMs() / 1_000)
    }
  })
}
