import fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { Gateway } from '../gateway/gateway.ts'
import { type ClockworkDeps, clockworkMetrics } from './metrics/clockwork.ts'
import { expose } from './metrics/exposition.ts'
import { gatewayMetrics } from './metrics/gateway.ts'
import { type ProcessDeps, processMetrics } from './metrics/process.ts'
import { type RequestMeasures, requestMetrics } from './metrics/requests.ts'
import { type VaultCounts, vaultMetrics } from './metrics/vault.ts'
import { noCompilers } from './validation.ts'

export interface AdminDeps extends ProcessDeps, ClockworkDeps {
  readonly gateway: Pick<Gateway, 'load'>
  readonly vault: () => VaultCounts
  readonly requests: RequestMeasures
}

/** The operator's port: metrics, for loopback or a private network only. */
export async function buildAdminApp(deps: AdminDeps): Promise<FastifyInstance> {
  const metrics = [
    ...processMetrics(deps),
    ...requestMetrics(deps.requests),
    ...gatewayMetrics(deps.gateway),
    ...vaultMetrics(deps.vault),
    ...clockworkMetrics(deps)
  ]
  let reading: Promise<Registry> | undefined
  const processRegistry = () => {
    reading ??= readProcess()
    return reading
  }
  const app = fastify({ logger: false, schemaController: noCompilers })
  app.addHook('onListen', async () => void setImmediate(processRegistry))
  app.get('/metrics', async (_request, reply) => {
    const process = await processRegistry()
    const text = `${await process.metrics()}\n${expose(metrics)}`
    return await reply.type(process.contentType).send(text)
  })
  return app
}

/** Loaded when everything listens: nobody who waits for a start waits for this. */
async function readProcess(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const register = new Registry()
  collectDefaultMetrics({ register, prefix: 'weft_' })
  return register
}
