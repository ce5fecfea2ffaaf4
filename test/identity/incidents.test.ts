import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { verifyChain } from '../../src/audit/chain.ts'
import { asId, newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { commandLineCall } from '../../src/identity/identity.ts'
import { createIncidents } from '../../src/identity/incidents.ts'
import type { RevokeEnded } from '../../src/vault/mass-revocation.ts'
import { refreshTokenPlace } from '../../src/vault/refresh-projection.ts'
import { type HostileServer, startHostileServer } from '../support/hostile-authorization-server.ts'
import { type ReplicaProcess, startReplicas } from '../support/replicas.ts'
import {
  createVaultWorld,
  failureOf,
  type Replica,
  type VaultWorld
} from '../support/vault-world.ts'
import { runWeft } from '../support/weft-command.ts'

const gone = 'http://127.0.0.1:9'
const minuteMs = 60_000
let world: VaultWorld
/** A second workspace, without a revocation endpoint. */
let bare: HostileServer
let slug: string

beforeAll(async () => {
  bare = await startHostileServer()
  bare.revocationStatus = 404
  world = await createVaultWorld({ extraOrigins: [bare.origin, gone] })
  bare.clients.set(world.clientId, new Set([world.clientSecret]))
  const [tenant] = await world.sql<{ slug: string }>('SELECT slug FROM tenants')
  slug = tenant?.slug ?? ''
})
afterAll(async () => {
  await world?.close()
  await bare?.stop()
})

/** People with a sign-in each, at one host. */
async function seedMany(count: number, origin: string, kind: 'user' | 'pat' = 'user') {
  const { tenantId } = world.scope
  const rows = await Promise.all(
    Array.from({ length: count }, async () => {
      const [userId, grantId] = [newId('user', world.clock), newId('grant', world.clock)]
      const { refreshToken } = world.server.books.signIn(world.clientId, userId)
      const secret = new Secret(refreshToken ?? '')
      const place = refreshTokenPlace(grantId)
      return { userId, grantId, sealed: await world.own.strongbox.seal(world.scope, place, secret) }
    })
  )
  const column = <K extends keyof (typeof rows)[number]>(name: K) => rows.map((row) => row[name])
  await world.sql(
    `INSERT INTO users (id, identity_hash, issuer, subject, email, is_email_verified, name, created_at, last_login_at)
     SELECT u, u, 'https://idp.test', u, u || '@acme.test', true, u, now(), now() FROM unnest($1::text[]) u`,
    [column('userId')]
  )
  await world.sql(
    `INSERT INTO memberships (tenant_id, user_id, role, created_at)
     SELECT $1, u, 'member', now() FROM unnest($2::text[]) u`,
    [tenantId, column('userId')]
  )
  await world.sql(
    `INSERT INTO grants (id, tenant_id, kind, user_id, workspace_origin, app_connection_id, state, since, created_at)
     SELECT g, $1, $4, u, $5, $6, 'active', now(), now() FROM unnest($2::text[], $3::text[]) AS s(g, u)`,
    [
      tenantId,
      column('grantId'),
      column('userId'),
      kind,
      origin,
      kind === 'pat' ? null : world.appConnectionId
    ]
  )
  await world.sql(
    `INSERT INTO grant_tokens (tenant_id, grant_id, generation, refresh_token_sealed)
     SELECT $1, g, 1, s FROM unnest($2::text[], $3::text[]) AS r(g, s)`,
    [tenantId, column('grantId'), kind === 'pat' ? rows.map(() => null) : column('sealed')]
  )
  return column('grantId')
}

const incidentsOf = ({ db, clock, vault }: Replica) =>
  createIncidents({ db, clock, vault, audit: createAudit(db, clock) })
const revoke = (replica: Replica, target?: { kind: 'fabric' | 'user'; id: string }) =>
  incidentsOf(replica).revoke(
    commandLineCall,
    world.scope.tenantId,
    { confirm: slug, target },
    () => undefined
  )
const revokedTokens = () => new Set(world.server.revocations.map((form) => form.get('token')))
const eventsOf = (action: string) =>
  world.sql<{ details: Record<string, unknown> }>(
    'SELECT details FROM audit_events WHERE action = $1 ORDER BY seq',
    [action]
  )

describe('I7 an incident', () => {
  test('I7 ends 10,000 sign-ins here and at the provider in less than a minute, however it answers', async () => {
    const { tenantId } = world.scope
    await world.sql(
      `WITH people AS (
         INSERT INTO users (id, identity_hash, issuer, subject, email, is_email_verified, name, created_at, last_login_at)
         SELECT 'usr_' || n, n, 'https://idp.test', n, n || '@many.test', true, n, now(), now()
           FROM generate_series(1, 10000) n RETURNING id
       ), members AS (
         INSERT INTO memberships (tenant_id, user_id, role, created_at) SELECT $1, id, 'member', now() FROM people
         RETURNING user_id
       ), signed AS (
         INSERT INTO grants (id, tenant_id, kind, user_id, workspace_origin, app_connection_id, state, since, created_at)
         SELECT 'grt_' || user_id, $1, 'user', user_id, 'https://w' || substr(user_id, 5)::int % 20 || '.test', $2,
                'active', now(), now() FROM members RETURNING id
       )
       INSERT INTO grant_tokens (tenant_id, grant_id, generation, refresh_token_sealed) SELECT $1, id, 1, id FROM signed`,
      [tenantId, world.appConnectionId]
    )
    let [atOnce, most] = [0, 0]
    const simulated: RevokeEnded = async ({ workspaceOrigin }) => {
      atOnce += 1
      most = Math.max(most, atOnce)
      const [, host] = /w(\d+)/.exec(workspaceOrigin) ?? []
      await delay(host === '1' ? 250 : 10)
      atOnce -= 1
      if (host === '2') return 'provider_away'
      return host === '3' ? 'refused' : null
    }
    const { db, clock } = world.own
    const audit = createAudit(db, clock)
    const incidents = createIncidents({ db, clock, audit, vault: { revokeEnded: () => simulated } })
    const told: number[] = []
    const startedMs = performance.now()
    const report = await incidents.revoke(commandLineCall, tenantId, { confirm: slug }, (done) =>
      told.push(done.told)
    )
    expect(performance.now() - startedMs).toBeLessThan(minuteMs)
    expect(most).toBeLessThanOrEqual(96)
    expect(told.at(-1)).toBe(10_000)
    expect(report).toMatchObject({
      ended: { grants: 10_000 },
      provider: { revoked: 9_000, waiting: 0 }
    })
    expect(report.provider.notRevoked).toMatchObject([
      { host: 'https://w2.test', cause: 'provider_away', count: 500 },
      { host: 'https://w3.test', cause: 'refused', count: 500 }
    ])
    await world.sql('DELETE FROM incident_grants')
  }, 120_000)

  test('I7 revokes at real endpoints, and tells what it could not and what is to be rotated', async () => {
    const revoked = await seedMany(300, world.server.origin)
    const withoutEndpoint = await seedMany(50, bare.origin)
    const unreachable = await seedMany(60, gone)
    const personal = await seedMany(10, world.server.origin, 'pat')
    await world.seedFabric({ clientId: 'principal', clientSecret: 'canary-principal' })
    const report = await revoke(world.own)
    expect(report.ended).toMatchObject({ grants: 420 })
    expect(report.provider).toMatchObject({ revoked: 300, waiting: 0 })
    expect(revokedTokens().size).toBe(revoked.length)
    const left = report.provider.notRevoked.map(({ host, cause, count }) => [host, cause, count])
    expect(left).toHaveLength(3)
    expect(left).toContainEqual([bare.origin, 'no_revocation_endpoint', 50])
    expect(left).toContainEqual([gone, 'provider_away', 60])
    expect(left).toContainEqual([world.server.origin, 'personal_access_token', 10])
    const ids = report.provider.notRevoked.flatMap(({ grantIds }) => grantIds)
    expect(ids.sort()).toEqual([...withoutEndpoint, ...unreachable, ...personal].sort())
    expect(report.secretsToRotate.map(({ kind }) => kind)).toEqual([
      'app_connection',
      'service_principal'
    ])
    expect(JSON.stringify(report)).not.toMatch(/canary-(cs|principal)/)
    expect(await world.sql('SELECT 1 FROM grants')).toEqual([])
    const [, event] = await eventsOf('incident.revoke')
    expect(event?.details).toMatchObject({ grants: 420, incident: report.id })
    expect(await eventsOf('incident.finish')).toHaveLength(2)
  }, 60_000)

  test('I7 once more tries again what could not be revoked, and nothing else', async () => {
    bare.revocationStatus = 200
    const count = world.server.revocations.length
    const report = await revoke(world.own)
    expect(report.ended).toMatchObject({ grants: 0, sessions: 0 })
    expect(report.provider).toMatchObject({ revoked: 50 })
    expect(report.provider.notRevoked).toMatchObject([{ host: gone, count: 60 }])
    expect(world.server.revocations.length).toBe(count)
    expect((await verifyChain(world.own.db, world.scope)).isIntact).toBe(true)
  }, 60_000)

  test('I7 two at once end everything once, and both wait for the whole', async () => {
    await seedMany(300, world.server.origin)
    const count = world.server.revocations.length
    const [one, other] = await Promise.all([revoke(world.own), revoke(world.replica())])
    const ended = [one, other].map(({ id }) => id)
    expect(new Set([...ended]).size).toBeLessThanOrEqual(2)
    for (const { finishedAt, provider } of [one, other]) {
      expect(finishedAt).not.toBeNull()
      expect(provider.waiting).toBe(0)
    }
    expect(world.server.revocations.length - count).toBe(300)
    expect(await world.sql('SELECT 1 FROM grants')).toEqual([])
  }, 60_000)

  test('a person’s or a fabric’s alone leaves the others alone', async () => {
    const [mine] = [await world.seedGrant({ lifeMs: 50 * minuteMs })]
    const yours = await world.seedGrant({ lifeMs: 50 * minuteMs })
    const report = await revoke(world.own, { kind: 'user', id: mine.userId })
    expect(report).toMatchObject({ ended: { grants: 1 }, secretsToRotate: [] })
    expect(await world.stateOf(mine.grantId)).toBeNull()
    expect(await world.stateOf(yours.grantId)).not.toBeNull()
    const fabricId = await world.seedFabric()
    expect(await revoke(world.own, { kind: 'fabric', id: fabricId })).toMatchObject({
      ended: { grants: 1 },
      provider: { revoked: 1 }
    })
    expect(await world.stateOf(yours.grantId)).toBeNull()
  })

  test('400 for another slug, and for a person of another tenant: nothing ends', async () => {
    const { grantId } = await world.seedGrant()
    const { tenantId } = world.scope
    const begin = (input: Parameters<ReturnType<typeof incidentsOf>['begin']>[2]) =>
      failureOf(incidentsOf(world.own).begin(commandLineCall, tenantId, input))
    expect(await begin({ confirm: 'other' })).toMatchObject({ code: 'invalid_request' })
    const target = { kind: 'user', id: newId('user', world.clock) } as const
    expect(await begin({ confirm: slug, target })).toMatchObject({ code: 'invalid_request' })
    expect(await world.stateOf(grantId)).not.toBeNull()
    const nobody = makeTenantScope(
      tenantId,
      { kind: 'system', id: 'x' },
      { may: () => false, teams: [] }
    )
    const refused = incidentsOf(world.own).get(nobody, tenantId, asId('incident', 'inc_x'))
    expect(await failureOf(refused)).toMatchObject({ code: 'forbidden' })
    expect(systemAuthority.may('incident.get')).toBe(true)
  })
})

describe('I7 the command, beside a replica that serves', () => {
  let replica: ReplicaProcess | undefined
  beforeAll(async () => {
    const [started] = await startReplicas(world, 1)
    replica = started
  }, 120_000)
  afterAll(() => replica?.kill())

  const weft = () =>
    runWeft(`incident revoke --tenant ${slug} --confirm ${slug} --json`.split(' '), {
      WEFT_DATABASE_URL: world.database.appUrl,
      WEFT_KEY_RING: world.keyRing,
      WEFT_EXTRA_WORKSPACE_ORIGINS: [world.server.origin, bare.origin, gone].join(',')
    })

  test('I7 ends calls under way and every credential within 5 s, and goes on after kill -9', async () => {
    const { userId } = await world.seedGrant({ lifeMs: 50 * minuteMs })
    const session = await world.rows.session(world.seeded.tenantId, userId)
    const fabricId = await world.seedFabric()
    expect((await replica?.ask(session, fabricId))?.status).toBe(200)
    await seedMany(700, world.server.origin)
    const released = Promise.withResolvers<void>()
    world.server.holdApi = () => released.promise
    const underWay = replica?.ask(session, fabricId)
    await delay(200)

    let held = 0
    world.server.holdRevocation = async () => {
      held += 1
      if (held > 550) await released.promise
    }
    const first = weft()
    while (held <= 550) await delay(50)
    first.child.kill('SIGKILL')
    await first.ended
    expect((await underWay)?.status).toBe(401)
    expect((await replica?.ask(session, fabricId))?.status).toBe(401)
    released.resolve()
    world.server.holdRevocation = () => Promise.resolve()
    world.server.holdApi = () => Promise.resolve()
    const open = 'SELECT 1 FROM incident_grants WHERE outcome IS NULL'
    expect(await world.sql(open)).not.toEqual([])
    // The dead one's portion is nobody's once its lease is over; the clock of the database cannot be moved.
    await world.sql('UPDATE incident_grants SET claimed_until = now() WHERE outcome IS NULL')
    const { code, out, err } = await weft().ended
    expect([code, err.includes('canary')]).toEqual([0, false])
    expect(JSON.parse(out).finishedAt).not.toBeNull()
    expect(await world.sql(open)).toEqual([])
    // Whether the second command or the replica's clockwork went on: it is the first one's incident.
    const [incident] = await world.sql(
      `SELECT ended, finished_at IS NOT NULL AS done, (SELECT count(*)::int FROM incident_grants g
               WHERE g.incident_id = i.id AND outcome = 'revoked') AS revoked
         FROM incident_revocations i WHERE (ended->>'sessions')::int = 1`
    )
    expect(incident).toMatchObject({ ended: { grants: 702 }, done: true, revoked: 702 })
  }, 120_000)
})
