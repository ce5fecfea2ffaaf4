import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { portOrFree } from '../../src/local/free-port.ts'
import { endWithUs } from '../../src/local/watcher.ts'
import { root } from '../house/source.ts'

export interface Balancer {
  readonly port: number
  output(): string
  stop(): Promise<void>
}

const config = join(root, 'deploy/haproxy/haproxy.cfg')

/** HAProxy with the very configuration that is shipped; only the addresses are others. */
export async function startHaproxy(
  program: string,
  replicas: readonly number[]
): Promise<Balancer> {
  const port = await portOrFree(0)
  const [one, two] = replicas.map((replica) => `127.0.0.1:${replica}`)
  const child = spawn(program, ['-db', '-f', config], {
    env: { WEFT_BALANCER_BIND: `127.0.0.1:${port}`, WEFT_1: one, WEFT_2: two },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const words: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => words.push(String(chunk)))
  }
  const unwatch = child.pid === undefined ? () => undefined : endWithUs(child.pid, 'TERM')
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  void ended.then(unwatch)
  const isUp = () => child.exitCode === null
  while (isUp() && !(await isOpen(port))) await pause(20)
  if (!isUp()) throw new TypeError(`HAProxy ended:\n${words.join('')}`)
  return {
    port,
    output: () => words.join(''),
    async stop() {
      child.kill('SIGTERM')
      await ended
    }
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
