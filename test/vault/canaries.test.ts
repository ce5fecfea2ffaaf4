import { Writable } from 'node:stream'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canariesIn, textOfDatabase, textOfError } from '../support/canary.ts'
import { startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import { type Behaviour, refusals, rewrites } from '../support/hostile-authorization-server.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const lifeMs = 60_000
const never = new Promise<void>(() => undefined)

/** What an error says to every sink that might print it. */
function printed(error: unknown): string {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  const logger = pino({ level: 'trace' }, sink)
  logger.trace({ err: error, error }, 'failed')
  logger.error(error)
  return [textOfError(error), ...lines].join('\n')
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => null,
    (error: unknown) => error
  )
}

describe('F10 F35 no token and no secret in an error, a log line at trace or a raw column', () => {
  const echoing = (status: number): Behaviour => ({
    instead: ({ form }) => ({
      status,
      body: { error: 'invalid_request', error_description: form.toString(), echo: `${form}` }
    })
  })
  const failures: Record<string, Behaviour> = {
    'a bad id_token': { rewrite: rewrites.withBadIdToken() },
    'no token_type': { rewrite: rewrites.without('token_type') },
    'an odd token_type': { rewrite: rewrites.withMembers({ token_type: 'N_A' }) },
    'a bad expires_in': { rewrite: rewrites.withMembers({ expires_in: 'soon' }) },
    'HTTP 201': { rewrite: rewrites.withStatus(201) },
    'HTTP 302': { rewrite: rewrites.withStatus(302) },
    'HTTP 500 with the answer in it': { rewrite: rewrites.withStatus(500) },
    'the answer in an error description': { rewrite: rewrites.withEcho(400) },
    'an error beside the tokens': { rewrite: rewrites.withMembers({ error: 'x' }) },
    'the request in an error, 400': echoing(400),
    'the request in an error, 401': echoing(401),
    'the request in an error, 503': echoing(503),
    'a dead refresh token': { instead: refusals.deadRefreshToken(400) },
    'a refused client': { instead: refusals.invalidClient() },
    throttling: { instead: refusals.throttled(5) },
    'a page': { instead: refusals.page(200) },
    'a cut connection': { instead: 'drop' },
    'a cut answer': { cut: 'mid_answer' }
  }
  test.each(Object.entries(failures))('F10 F35 after %s', async (_name, behaviour) => {
    const { grantId } = await world.seedGrant()
    world.server.always(behaviour)
    const { vault } = world.own
    const errors = [await errorOf(vault.accessToken(world.scope, grantId, lifeMs))]
    world.clock.advance(3_600_000)
    errors.push(await errorOf(vault.accessToken(world.scope, grantId, lifeMs)))
    const canaries = world.canaries()
    expect(canaries.length).toBeGreaterThan(2)
    expect(errors.flatMap((error) => canariesIn(printed(error), canaries))).toEqual([])
    expect(canariesIn(await textOfDatabase(world.database), canaries)).toEqual([])
  })

  test('F10 F35 after a hung call', async () => {
    const { grantId } = await world.seedGrant()
    world.server.next({ holdBefore: never })
    const error = errorOf(world.own.vault.accessToken(world.scope, grantId, lifeMs))
    await world.server.arrived(1)
    world.clock.advance(10_500)
    expect(canariesIn(printed(await error), world.canaries())).toEqual([])
  })

  test.each([/refresh_journal"? SET/, /grant_tokens"? SET .*refresh_token_sealed/])(
    'F10 F35 after a database that breaks at %o',
    async (seen) => {
      const proxy = await startFaultProxy(targetOf(world.database.appUrl))
      const { vault } = world.replica({ via: (url) => viaPort(url, proxy.port) })
      const { grantId } = await world.seedGrant()
      const stop = proxy.stopAt({ seen, hold: 'request' })
      const error = errorOf(vault.accessToken(world.scope, grantId, lifeMs))
      await stop.reached
      stop.cut()
      expect(canariesIn(printed(await error), world.canaries())).toEqual([])
      expect(canariesIn(await textOfDatabase(world.database), world.canaries())).toEqual([])
      await proxy.close()
    }
  )

  test('F35 a token that is handed out prints as nothing, wherever it is printed', async () => {
    const { grantId } = await world.seedGrant()
    const handed = await world.own.vault.accessToken(world.scope, grantId, lifeMs)
    const error = new TypeError('with a token on it', { cause: handed })
    expect(canariesIn(printed(Object.assign(error, { handed })), world.canaries())).toEqual([])
    expect(canariesIn(`${handed.token}${JSON.stringify(handed)}`, world.canaries())).toEqual([])
  })

  test('the search finds what is there, in clear and encoded', async () => {
    const { accessToken } = await world.seedGrant()
    const encoded = Buffer.from(accessToken).toString('base64')
    const error = Object.assign(new TypeError('x'), { deep: { er: { body: accessToken } } })
    for (const text of [accessToken, encoded, printed(error)]) {
      expect(canariesIn(text, world.canaries())).toHaveLength(1)
    }
    await world.sql(`UPDATE grants SET cause = $1`, [accessToken])
    expect(canariesIn(await textOfDatabase(world.database), world.canaries())).toHaveLength(1)
  })
})
