import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { type ExaminationDeps, examine, type Finding } from '../../src/jobs/examination.ts'
import { createAuthorizationServers } from '../../src/oauth/authorization-server.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { type HostileServer, startHostileServer } from '../support/hostile-authorization-server.ts'
import { clock, createKeyWorld, type KeyReplica, type KeyWorld } from './key-world.ts'

let world: KeyWorld
let workspace: HostileServer
let replica: KeyReplica
beforeEach(async () => {
  world = await createKeyWorld()
  workspace = await startHostileServer()
  replica = world.replica('a', 'k1')
  await replica.custody.turn()
})
afterEach(async () => {
  await workspace.stop()
  await world.close()
})

async function lookAtAll(
  given: Partial<ExaminationDeps>,
  origins: readonly string[]
): Promise<Finding[]> {
  const { db, rotation: keyRotation, wrappedKeys } = replica
  const extraOrigins = [workspace.origin]
  const outbound = createOutbound({ extraOrigins, clock, userAgent: 'weft-test' })
  const servers = createAuthorizationServers(outbound, clock)
  const databaseUrl = new Secret(world.database.appUrl)
  const usual = { databaseUrl, db, clock, servers, keyRotation, wrappedKeys }
  const findings = await examine({ ...usual, reachLogin: async () => undefined, ...given }, origins)
  await outbound.destroy()
  return findings
}

async function look(given: Partial<ExaminationDeps> = {}): Promise<Record<string, Finding>> {
  const findings = await lookAtAll(given, [])
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]))
}

const statusesOf = (found: Record<string, Finding>) =>
  Object.fromEntries(Object.entries(found).map(([check, { status }]) => [check, status]))

const allPassed = {
  database: 'passed',
  schema: 'passed',
  role: 'passed',
  row_level_security: 'passed',
  audit_trail: 'passed',
  clock: 'passed',
  key_ring: 'passed',
  replicas: 'passed',
  identity_provider: 'passed',
  workspace: 'skipped'
}

test('where all is well every check passes, and nothing needs to be done', async () => {
  await replica.signingKeys.sign('at+jwt', {
    iss: 'i',
    aud: 'a',
    sub: 's',
    jti: 'j',
    iat: 1,
    exp: 2
  })
  const found = await look()
  expect(statusesOf(found)).toEqual(allPassed)
  expect(Object.values(found).filter(({ remedy }) => remedy !== null)).toEqual([])
  expect(found.database?.detail).toMatch(/^PostgreSQL 18\.\d+, answers in \d+ ms, \d+ of \d+/)
  expect(found.key_ring?.detail).toContain('k1 seals')
})

const urlWith = (change: (url: URL) => void) => {
  const url = new URL(world.database.appUrl)
  change(url)
  return new Secret(url.href)
}

test.each([
  ['ECONNREFUSED', (url: URL) => Object.assign(url, { port: '1' }), /start Postgres/],
  ['28P01', (url: URL) => Object.assign(url, { password: 'wrong' }), /mend the password/],
  ['3D000', (url: URL) => Object.assign(url, { pathname: '/nowhere' }), /make the database/]
])('a database that does not let Weft in: %s, and what to do', async (fault, change, remedy) => {
  const found = await look({ databaseUrl: urlWith(change) })
  expect(found.database?.detail).toContain(fault)
  expect(found.database?.remedy).toMatch(remedy)
  expect(statusesOf(found)).toMatchObject({
    database: 'failed',
    role: 'skipped',
    key_ring: 'skipped'
  })
  expect(JSON.stringify(found)).not.toContain('wrong')
})

describe('each thing that was altered fails one check, and names it', () => {
  test.each([
    ['row_level_security', 'ALTER TABLE fabrics DISABLE ROW LEVEL SECURITY', /guard fabrics$/],
    ['row_level_security', 'ALTER TABLE grants NO FORCE ROW LEVEL SECURITY', /guard grants$/],
    ['row_level_security', 'CREATE TABLE scratch (id text)', /guard scratch$/],
    ['audit_trail', 'GRANT DELETE, TRUNCATE ON audit_events TO PUBLIC', /DELETE, TRUNCATE/],
    [
      'schema',
      `DELETE FROM _prisma_migrations WHERE migration_name LIKE '%foundation'`,
      /foundation/
    ]
  ])('%s: %s', async (check, sql, detail) => {
    await world.sql(sql)
    const found = await look()
    expect(found[check]).toMatchObject({ status: 'failed', detail: expect.stringMatching(detail) })
    const failed = Object.values(found).filter(({ status }) => status === 'failed')
    expect(failed.map((finding) => finding.check)).toEqual([check])
  })

  test('role: a superuser', async () => {
    const found = await look({ databaseUrl: new Secret(world.database.superuserUrl) })
    expect(found.role).toMatchObject({
      status: 'failed',
      detail: expect.stringMatching('superuser')
    })
  })

  test('key_ring: a key that wraps something and is not in the ring, by its fingerprint', async () => {
    await replica.signingKeys.sign('at+jwt', {
      iss: 'i',
      aud: 'a',
      sub: 's',
      jti: 'j',
      iat: 1,
      exp: 2
    })
    const { rotation: keyRotation, wrappedKeys } = world.replica('b', 'k2')
    const { key_ring } = await look({ keyRotation, wrappedKeys })
    expect(key_ring).toMatchObject({ status: 'failed' })
    const [row] = await world.sql('SELECT fingerprint FROM key_encryption_keys')
    expect(key_ring?.detail).toContain(`k1 (fingerprint ${row?.fingerprint}, wraps 1)`)
  })

  test('clock: minutes away from the database’s', async () => {
    const late: Clock = { ...clock, now: () => new Date(clock.now().getTime() - 180_000) }
    const found = await look({ clock: late })
    expect(found.clock).toMatchObject({
      status: 'warned',
      detail: expect.stringMatching(/ 1(79|80)\.\d s/)
    })
  })

  test('identity_provider: one that does not answer', async () => {
    const reachLogin = () => Promise.reject(new AppError('dns_failed'))
    const { identity_provider } = await look({ reachLogin })
    expect(identity_provider).toMatchObject({
      status: 'failed',
      remedy: expect.stringMatching(/name/)
    })
  })
})

test('workspaces: the named ones and those of every tenant’s fabrics, each once', async () => {
  await world.tenant('acme')
  const insert = `INSERT INTO teams SELECT (jsonb_populate_record(NULL::teams, $1)).*`
  const at = '2026-01-01T00:00:00Z'
  const team = { id: 'team_1', tenant_id: 'ten_acme', name: 't', kind: 'shared', created_at: at }
  await world.sql(insert, [{ ...team, version: 1, is_default: false }])
  for (const slug of ['one', 'two']) {
    await world.sql(
      `INSERT INTO fabrics (id, tenant_id, team_id, name, slug, description, kind, provider, workspace_origin,
         auth_method, service_principal_use, has_endpoint_list, endpoint_allow_list, status, created_at, updated_at)
       VALUES ($1, 'ten_acme', 'team_1', $1, $1, '', 'sql', 'databricks', $2, 'oauth', 'admins', false, '{}',
         'complete', now(), now())`,
      [slug, workspace.origin]
    )
  }
  const found = await lookAtAll({}, ['http://10.0.0.1'])
  expect(found.filter(({ check }) => check === 'workspace')).toEqual([
    {
      check: 'workspace',
      status: 'failed',
      detail: expect.stringMatching(/^http:\/\/10\.0\.0\.1: host_not_allowed: /),
      remedy: expect.stringContaining('WEFT_EXTRA_WORKSPACE_ORIGINS')
    },
    {
      check: 'workspace',
      status: 'passed',
      detail: `${workspace.origin} is reached and has OAuth metadata`,
      remedy: null
    }
  ])
})
