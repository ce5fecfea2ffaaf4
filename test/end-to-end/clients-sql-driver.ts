import { auth, DBSQLClient } from '@databricks/sql'
import { afterEach, describe, expect, test } from 'vitest'
import { frontCa } from '../support/tls-front.ts'
import { failureOf, misspelt, type World } from './clients-world.ts'

type ConnectionOptions = Parameters<DBSQLClient['connect']>[0]

const silent = { log() {} }

/** What the driver throws for any answer that is not Thrift: of all that came it reads the status alone. */
function refusalOf(error: unknown) {
  if (!(error instanceof Error && 'statusCode' in error && 'response' in error)) throw error
  const { headers } = error.response as { headers: { get(name: string): string | null } }
  return {
    status: error.statusCode,
    problem: headers.get('x-weft-problem'),
    told: headers.get('x-thriftserver-error-message')
  }
}

/** @databricks/sql over TLS, its own retries shortened, its telemetry off: nothing may leave this machine. */
export function sqlDriverSuite(world: () => World): void {
  const clients: DBSQLClient[] = []
  const pathOf = (fabric = world().sql.id) =>
    `/fabrics/${fabric}/sql/1.0/warehouses/${world().sql.warehouseId}`
  const connect = async (more: Partial<ConnectionOptions> = {}) => {
    const client = new DBSQLClient({ logger: silent })
    clients.push(client)
    const options = {
      host: 'localhost',
      port: world().front.port,
      path: pathOf(),
      token: world().stack.serviceKey,
      customCaCert: frontCa,
      telemetryEnabled: false,
      retryDelayMin: 10,
      retryDelayMax: 50,
      ...more
    }
    // The union of ways to authenticate does not survive being spread.
    await client.connect(options as ConnectionOptions)
    return client
  }
  const openSession = async (more: Partial<ConnectionOptions> = {}) =>
    (await connect(more)).openSession()

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close().catch(() => {})
  })

  describe('@databricks/sql', () => {
    test('opens a session with a service key, runs SELECT 1, fetches and closes', async () => {
      const session = await openSession()
      const operation = await session.executeStatement('SELECT 1 AS one')
      expect(await operation.fetchAll()).toEqual([{ one: 1 }])
      await operation.close()
      const status = await session.close()
      expect(status.isSuccess).toBe(true)
    })

    test('acts as the service principal, and gets its parameters through', async () => {
      const session = await openSession()
      const statement = 'SELECT current_user() AS who, :name AS name'
      const namedParameters = { name: 'warp' }
      const operation = await session.executeStatement(statement, { namedParameters })
      expect(await operation.fetchAll()).toEqual([
        { who: expect.stringMatching(/^[0-9a-f-]{36}$/), name: 'warp' }
      ])
    })

    test('waits for a slow statement, and reads many rows page by page', async () => {
      await world().sql.workspace.setFaults({ statementRunsMs: 300 })
      const session = await openSession()
      const operation = await session.executeStatement('SELECT id FROM range(2500)')
      let [count, sum] = [0, 0]
      do {
        const rows = (await operation.fetchChunk({ maxRows: 1_000 })) as { id: number }[]
        count += rows.length
        for (const { id } of rows) sum += Number(id)
      } while (await operation.hasMoreRows())
      expect([count, sum]).toEqual([2_500, (2_499 * 2_500) / 2])
    })

    test('with ?o= in its path, as unified hosts want it', async () => {
      const session = await openSession({ path: `${pathOf()}?o=900800700602` })
      const operation = await session.executeStatement('SELECT 1 AS one')
      expect(await operation.fetchAll()).toEqual([{ one: 1 }])
      expect(world().front.seen.at(-1)).toBe(`POST ${pathOf()}?o=900800700602`)
    })

    test('tells a statement that fails in the words of the warehouse', async () => {
      const session = await openSession()
      const error = await failureOf(
        session.executeStatement('SELECT * FROM nowhere').then((one) => one.fetchAll())
      )
      expect(String(error)).toContain('TABLE_OR_VIEW_NOT_FOUND')
    })

    test('at the fabric’s host, with tokens that a provider of its gets for the account', async () => {
      const { serviceAccountId, serviceKey, weft } = world().stack
      const host = new URL(world().sql.host).hostname
      const tokenProvider = {
        getName: () => 'weft',
        async getToken() {
          const answer = await fetch(`${weft}/oauth2/token`, {
            method: 'POST',
            headers: { authorization: `Basic ${btoa(`${serviceAccountId}:${serviceKey}`)}` },
            body: new URLSearchParams({ grant_type: 'client_credentials' })
          })
          const { access_token: token, expires_in: seconds } = JSON.parse(await answer.text())
          return new auth.Token(token, { expiresAt: new Date(Date.now() + seconds * 1_000) })
        }
      }
      const path = `/sql/1.0/warehouses/${world().sql.warehouseId}`
      const authType = 'token-provider' as const
      const session = await openSession({ host, path, authType, tokenProvider })
      const operation = await session.executeStatement('SELECT 1 AS one')
      expect(await operation.fetchAll()).toEqual([{ one: 1 }])
    })

    test('knows hosts of Databricks only when it is to log in by itself', async () => {
      const { serviceAccountId: oauthClientId, serviceKey: oauthClientSecret } = world().stack
      const host = new URL(world().sql.host).hostname
      const authType = 'databricks-oauth' as const
      const own = { host, authType, oauthClientId, oauthClientSecret }
      expect(String(await failureOf(openSession(own)))).toContain('OAuth is not supported for')
    })
  })

  describe('@databricks/sql when Weft refuses', () => {
    test.each([
      ['a wrong key', 401, 'unauthenticated'],
      ['a fabric that there is not', 404, 'not_found'],
      ['a fabric without a service principal', 409, 'service_principal_missing'],
      ['a key that is limited to endpoints', 403, 'endpoint_not_allowed']
    ])('%s: %i %s, told once and not asked again', async (what, status, problem) => {
      const fabric = async (more?: Record<string, unknown>) => (await world().fabric(more)).id
      const keyed = async (fabricId: string, endpoints?: readonly string[]) => ({
        path: pathOf(fabricId),
        token: await world().key([{ fabricId, ...(endpoints && { endpoints }) }])
      })
      const cases: Record<number, () => Promise<Partial<ConnectionOptions>>> = {
        401: async () => ({ token: misspelt(world().stack.serviceKey) }),
        404: async () => ({ path: pathOf(`fab_${'0'.repeat(26)}`) }),
        409: async () => keyed(await fabric({ servicePrincipal: undefined })),
        403: async () => keyed(await fabric(), ['whoami'])
      }
      const client = await connect(await cases[status]?.())
      const asked = world().front.seen.length
      const refusal = refusalOf(await failureOf(client.openSession()))
      expect(refusal).toMatchObject({ status, problem })
      expect(refusal.told, what).toMatch(new RegExp(`^${problem}: \\w`))
      expect(world().front.seen.length).toBe(asked + 1)
    })

    test('a key that is revoked in mid-session: 401 on the very next call', async () => {
      const account = await world().account([{ fabricId: world().sql.id }])
      const session = await openSession({ token: account.key })
      await account.revoke()
      const refusal = refusalOf(await failureOf(session.executeStatement('SELECT 1')))
      expect(refusal).toMatchObject({ status: 401, problem: 'unauthenticated' })
    })

    test.each([
      ['429 of the workspace', { apiStatus: 429, apiRetryAfterSeconds: 1 }],
      ['503 of the workspace', { apiStatus: 503, apiRetryAfterSeconds: 1 }],
      ['502 of Weft, when the workspace drops the call', { dropApiAnswer: true }]
    ])('a %s is tried again by the driver where that is safe', async (_what, fault) => {
      const session = await openSession()
      await world().sql.workspace.setFaults({ ...fault, apiFaultTimes: 2, apiFaultPath: '/sql/' })
      const asked = world().front.seen.length
      expect((await session.close()).isSuccess).toBe(true)
      expect(world().front.seen.length).toBe(asked + 3)
    })

    test('a limit of Weft’s: told at once where asking again is not safe, else asked to the end', async () => {
      const limited = [{ fabricId: world().sql.id, requestsPerMinute: 1 }]
      const client = await connect({ token: await world().key(limited), retryMaxAttempts: 3 })
      const session = await client.openSession()
      const asked = world().front.seen.length
      const refusal = refusalOf(await failureOf(client.openSession()))
      expect(refusal).toMatchObject({ status: 429, problem: 'rate_limited' })
      expect(world().front.seen.length).toBe(asked + 1)
      const message = 'Hive driver: 429 when connecting to resource. Max retry count exceeded.'
      expect(await failureOf(session.close())).toMatchObject({ message })
      expect(world().front.seen.length).toBe(asked + 4)
    })

    test('and is told at once, with when to come again, where it is not', async () => {
      const client = await connect()
      await world().sql.workspace.setFaults({ apiStatus: 503, apiRetryAfterSeconds: 7 })
      const error = await failureOf(client.openSession())
      expect(refusalOf(error)).toMatchObject({ status: 503, problem: null })
      const { response } = error as { response: { headers: { get(name: string): string | null } } }
      expect(response.headers.get('retry-after')).toBe('7')
    })

    test('the flags that its telemetry asks for are not served, and nothing of it goes upstream', async () => {
      const flags = '/api/2.0/connector-service/feature-flags/NODEJS/2.1.0'
      const headers = { authorization: `Bearer ${world().stack.serviceKey}` }
      await world().sql.workspace.mark()
      for (const base of [world().stack.weft, world().sql.host]) {
        expect((await fetch(`${base}${flags}`, { headers })).status).toBe(404)
      }
      expect(await world().sql.workspace.seen()).toEqual([])
    })
  })
}
