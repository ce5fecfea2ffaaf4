import fastify, { type FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Gateway } from '../gateway/gateway.ts'
import { type ClockworkDeps, clockworkMetrics } from './metrics/clockwork.ts'
import { expose } from './metrics/exposition.ts'
import { gatewayMetrics } from './metrics/gateway.ts'
import { type ProcessDeps, processMetrics } from './metrics/process.ts'
import { type RequestMeasures, requestMetrics } from './metrics/requests.ts'
import { type VaultCounts, vaultMetrics } from './metrics/vault.ts'

export interface AdminDeps extends ProcessDeps, ClockworkDeps {
  readonly gateway: Pick<Gateway, 'load'>
  readonly vault: () => VaultCounts
  readonly requests: RequestMeasures
}

/** The operator's port: metrics, for loopback or a private network only. */
export async function buildAdminApp(deps: AdminDeps): Promise<FastifyInstance> {
  const process = new Registry()
  collectDefaultMetrics({ register: process, prefix: 'weft_' })
  const metrics = [
    ...processMetrics(deps),
    ...requestMetrics(deps.requests),
    ...gatewayMetrics(deps.gateway),
    ...vaultMetrics(deps.vault),
    ...clockworkMetrics(deps)
  ]
  const app = fastify({ logger: false })
  app.get('/metrics', async (_request, reply) => {
    const text = `${await process.metrics()}\n${expose(metrics)}`
    return await reply.type(process.contentType).send(text)
  })
  return app
}
