import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ServicePrincipal } from '../../src/local/databricks/workspace.ts'
import { endWithUs } from '../../src/local/watcher.ts'
import { type Simulator, simulatorAt } from '../end-to-end/simulator.ts'

export interface SimulatedWorkspace extends Simulator {
  readonly dataPlaneUrl: string
  stop(): Promise<void>
}

const program = fileURLToPath(new URL('./workspace-process.ts', import.meta.url))

/** The simulated Databricks workspace in a process of its own. */
export async function startWorkspace(principal: ServicePrincipal): Promise<SimulatedWorkspace> {
  const child = spawn(process.execPath, [program, JSON.stringify(principal)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  endWithUs(child, 'TERM')
  const ended = once(child, 'close')
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    ended.then(() => undefined)
  ])
  if (line === undefined) throw new TypeError('the simulated workspace did not start')
  const { url, dataPlaneUrl }: { url: string; dataPlaneUrl: string } = JSON.parse(line)
  return {
    ...simulatorAt(url),
    dataPlaneUrl,
    async stop() {
      child.kill('SIGKILL')
      await ended
    }
  }
}
