import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StackSummary } from '../../src/local/stack-file.ts'
import { type StartedStack, startStack } from './stack.ts'
import type { RunningStack } from './stack-database.ts'

/** What whoever asks is told. */
export type SharedStack = StackSummary & RunningStack

interface SharedStackServer {
  readonly url: string
  stop(): Promise<void>
}

/** One local stack for many test files: starting it is what takes long. Whoever asks first starts it. */
export async function serveSharedStack(): Promise<SharedStackServer> {
  let started: Promise<StartedStack> | undefined
  let last = Promise.resolve()
  const server = createServer(async (req, res) => {
    // A turn is one caller's until it lets go of the answer, or is gone.
    if (req.url === '/turn') {
      const before = last
      const isOver = new Promise<void>((resolve) => res.once('close', resolve))
      last = before.then(() => isOver)
      await before
      res.flushHeaders()
      return
    }
    try {
      started ??= startStack()
      const { child, log, ended, stop, ...summary } = await started
      res.end(JSON.stringify({ ...summary, child: { pid: child.pid } } satisfies SharedStack))
    } catch (err) {
      res.writeHead(500).end(String(err))
    }
  })
  const { promise: listening, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await listening
  const { port } = server.address() as AddressInfo // of a TCP listener it is one
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.close()
      server.closeAllConnections()
      const stack = await started?.catch(() => undefined)
      await stack?.stop()
    }
  }
}
