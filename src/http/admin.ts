import fastify, { type FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type GatewayMetricsDeps, registerGatewayMetrics } from './gateway-metrics.ts'

export interface AdminDeps extends GatewayMetricsDeps {
  /** Records of calls that wait to be written, and those given up on. */
  readonly records: { readonly size: number; readonly dropped: number }
}

/** The operator's port: metrics, for loopback or a private network only. */
export async function buildAdminApp(deps: AdminDeps): Promise<FastifyInstance> {
  const { records } = deps
  const register = new Registry()
  collectDefaultMetrics({ register, prefix: 'weft_' })
  new Gauge({
    name: 'weft_audit_records_waiting',
    help: 'Records of calls that wait to be written',
    registers: [register],
    collect() {
      this.set(records.size)
    }
  })
  new Gauge({
    name: 'weft_audit_records_dropped',
    help: 'Records of calls that were given up because the database was away for too long',
    registers: [register],
    collect() {
      this.set(records.dropped)
    }
  })
  registerGatewayMetrics(register, deps)
  const app = fastify({ logger: false })
  app.get('/metrics', async (_request, reply) => {
    return await reply.type(register.contentType).send(await register.metrics())
  })
  return app
}
