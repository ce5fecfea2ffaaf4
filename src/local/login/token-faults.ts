import { setTimeout as pause } from 'node:timers/promises'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { isObject } from '../simulation/exchange.ts'
import type { FaultBoard } from '../simulation/faults.ts'
import { breakSignature } from '../simulation/id-token.ts'
import type { Recorder } from '../simulation/recorder.ts'

/** Lays the token faults around oidc-provider's own token endpoint. */
export function spoilTokens(provider: Provider, faults: FaultBoard, recorder: Recorder): void {
  provider.use(async (plain, next) => {
    if (plain.path !== '/token' || plain.method !== 'POST') return next()
    const ctx = plain as KoaContextWithOIDC // what the route makes of it by the time next() is done
    const { tokenStatus, tokenDelayMs, tokenOmit, dropTokenAnswer, idTokenSignature } =
      faults.current
    if (tokenStatus !== null && tokenStatus >= 300) {
      ctx.status = tokenStatus
      ctx.body = { error: tokenStatus >= 500 ? 'server_error' : 'invalid_request' }
      return undefined
    }
    await next()
    if (tokenDelayMs > 0) await pause(tokenDelayMs)
    if (dropTokenAnswer) {
      recorder.cutOnPurpose(ctx.res)
      ctx.respond = false
      ctx.res.destroy()
      return undefined
    }
    if (!isObject(ctx.body)) return undefined
    const members = Object.entries(ctx.body).filter(([name]) => !tokenOmit.includes(name))
    const answer: Record<string, unknown> = Object.fromEntries(members)
    if (idTokenSignature === 'bad' && typeof answer.id_token === 'string') {
      answer.id_token = breakSignature(answer.id_token)
    }
    ctx.body = answer
    return undefined
  })
}
