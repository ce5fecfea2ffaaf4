import type { IncomingMessage } from 'node:http'
import { AppError } from '../../base/errors.ts'
import type { PublicUrls } from '../public-url.ts'
import type { App } from '../route.ts'
import { WireProblem } from './problem.ts'

/** Probes come by address, and their answer depends on nothing of the request. */
const probed = new Set(['/healthz', '/readyz'])

/** One `Host`, and it is ours or a fabric's; a request target in origin form (RFC 9112 §3.2.1). */
export function installHostCheck(app: App, publicUrls: PublicUrls): void {
  app.decorateRequest('publicUrl', {
    getter() {
      return publicUrls.of(this.raw.headers.host) ?? publicUrls.first
    }
  })
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request
    const target = raw.url ?? ''
    if (!target.startsWith('/') || target.includes('#') || countHosts(raw) !== 1) {
      throw new AppError('invalid_request', { detail: 'The request line or Host is not valid' })
    }
    const isOurs = publicUrls.of(raw.headers.host) !== null
    if (!isOurs && !probed.has(target) && request.fabricHost === null) throw misdirected()
    done()
  })
}

function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name !== undefined && name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}

function misdirected(): WireProblem {
  return new WireProblem(421, 'This host is not served here')
}
