import { createServer } from 'node:net'

/** `wanted` when nothing listens there, otherwise (and for 0) a free port. */
export async function portOrFree(wanted: number): Promise<number> {
  if (wanted !== 0 && (await tryPort(wanted)) !== undefined) return wanted
  return (await tryPort(0)) ?? 0
}

function tryPort(port: number): Promise<number | undefined> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(undefined))
    // on all addresses, so that a listener on any of them counts
    probe.listen(port, () => {
      const address = probe.address()
      const chosen = address !== null && typeof address === 'object' ? address.port : undefined
      probe.close(() => resolve(chosen))
    })
  })
}
