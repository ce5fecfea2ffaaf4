import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { fingerprint } from '../matrix/database.ts'
import { createWorld, type Settled, type World } from './world.ts'

let world: World
let acme: Settled

beforeAll(async () => {
  world = await createWorld()
  acme = await world.settle('acme')
}, 120_000)
afterAll(() => world?.close())

const empty = 'weft: 1\nappConnections: []\nfabrics: []\n'
const clear = (who = acme) => world.put(who, empty, '?prune=true')

const whole = `
weft: 1
appConnections:
  - name: Main
    clientId: client-of-acme
    isDefault: true
    allowedHosts: ['*.azuredatabricks.net']
    tokenPolicy: { refreshTokenTtlMinutes: 10080 }
  - name: Second # for the other team
    isDisabled: true
fabrics:
  - name: Sales
    team: Red
    kind: sql
    workspaceUrl: https://adb-1.2.azuredatabricks.net/?o=1
    servicePrincipal: { clientId: worker }
    servicePrincipalUse: team
    compute: { warehouseId: 0123456789abcdef, catalog: main }
    endpointAllowList: [llama]
    deadlines: { idleMs: 60000 }
    status: complete
  - name: Night
    team: Blue
    kind: spark
    workspaceUrl: https://adb-1.2.azuredatabricks.net
    appConnection: Second
    compute: { serverless: true }
    jobSizes: [{ name: small, cluster: { spark_version: 16.4.x-scala2.12, num_workers: 2 } }]
    production: true
    status: complete
`

describe('import', () => {
  test('200: makes what is not there, and says what only people can do', async () => {
    await clear()
    const { status, body } = await world.put(acme, whole)
    expect(status).toBe(200)
    expect(body.counts).toEqual({ create: 4, update: 0, unchanged: 0, delete: 0, keep: 0 })
    const left = body.resources.map(({ name, toDo }) => [name, ...toDo.map(({ code }) => code)])
    expect(left).toEqual([
      ['Main', 'client_secret_to_set', 'redirect_uri_to_register'],
      ['Second', 'client_secret_to_set', 'redirect_uri_to_register'],
      ['Sales', 'service_principal_secret_to_set'],
      ['Night', 'to_complete']
    ])
    const { fabrics, appConnections } = await world.exported(acme)
    expect(
      appConnections.map(({ name, isDefault, isDisabled }) => [name, isDefault, isDisabled])
    ).toEqual([
      ['Main', true, false],
      ['Second', false, true]
    ])
    expect(fabrics[0]).toMatchObject({
      compute: { serverless: true },
      jobSizes: [{ name: 'small', cluster: { num_workers: 2 } }],
      production: true,
      status: 'draft'
    })
    expect(fabrics[1]).toMatchObject({
      name: 'Sales',
      team: 'Red',
      workspaceUrl: 'https://adb-1.2.azuredatabricks.net',
      appConnection: null,
      servicePrincipal: null,
      compute: { warehouseId: '0123456789abcdef', catalog: 'main' },
      endpointAllowList: ['llama'],
      deadlines: { idleMs: 60_000 },
      status: 'complete'
    })
  })

  test('the same once more changes nothing, and wakes no version', async () => {
    const before = await fingerprint(world.platform.world)
    const { body } = await world.put(acme, whole)
    expect(body.counts).toMatchObject({ create: 0, update: 0, unchanged: 4 })
    const { tenants: _, tenant_versions: __, ...after } = await fingerprint(world.platform.world)
    expect(before).toMatchObject(after)
  })

  test('what is absent stays; what is there replaces the whole of it', async () => {
    const { body } = await world.put(
      acme,
      'weft: 1\nfabrics:\n  - { name: Sales, compute: { httpPath: /sql/1.0/warehouses/0123456789abcdef }, endpointAllowList: null }\n'
    )
    expect(body.resources).toMatchObject([
      {
        action: 'update',
        changes: [
          {
            member: 'compute',
            from: { warehouseId: '0123456789abcdef', catalog: 'main' },
            to: { httpPath: '/sql/1.0/warehouses/0123456789abcdef' }
          },
          { member: 'endpointAllowList', from: ['llama'], to: null }
        ]
      }
    ])
  })

  test('an app connection that steps back as the default is told, although nobody named it', async () => {
    const { body } = await world.put(
      acme,
      'weft: 1\nappConnections: [{ name: Second, isDefault: true }]'
    )
    const changed = body.resources.map(({ name, changes }) => [name, changes])
    expect(changed).toEqual([
      ['Second', [{ member: 'isDefault', from: false, to: true }]],
      ['Main', [{ member: 'isDefault', from: true, to: false }]]
    ])
  })

  test('a fabric of another team goes there as a transfer does', async () => {
    const { body } = await world.put(acme, 'weft: 1\nfabrics: [{ name: Sales, team: Blue }]')
    expect(body.resources[0]?.changes).toEqual([{ member: 'team', from: 'Red', to: 'Blue' }])
    const [row] = await world.sql<{ n: string }>(
      `SELECT count(*) AS n FROM audit_events WHERE action = 'fabric.transfer'`
    )
    expect(row?.n).toBe('1')
  })

  test('it is recorded as one, and so is each resource that it changed', async () => {
    await clear()
    await world.sql('DELETE FROM audit_events WHERE tenant_id = $1', [acme.tenantId])
    await world.put(acme, whole)
    const events = await world.sql<{ action: string; actor_kind: string; details: object }>(
      'SELECT action, actor_kind, details FROM audit_events WHERE tenant_id = $1 ORDER BY seq',
      [acme.tenantId]
    )
    expect(events.map(({ action }) => action)).toEqual([
      'app_connection.create',
      'app_connection.create',
      'app_connection.update',
      'fabric.create',
      'fabric.complete',
      'fabric.create',
      'settings.import'
    ])
    expect(events.at(-1)).toMatchObject({ actor_kind: 'user', details: { create: 4 } })
  })
})

describe('a service principal without a secret', () => {
  const federated = (settings: string) =>
    `weft: 1\nfabrics: [{ name: Lake, team: Red, kind: sql, workspaceUrl: "https://adb-1.2.azuredatabricks.net", ${settings} }]`
  const principal = 'servicePrincipal: { clientId: worker, federated: true }'
  const lake = async () => (await world.exported(acme)).fabrics[0]

  test('comes whole with the document: no secret is asked for, and a production fabric is complete', async () => {
    await clear()
    const text = federated(`${principal}, production: true, status: complete`)
    const { body } = await world.put(acme, text)
    expect(body.resources).toMatchObject([{ action: 'create', toDo: [] }])
    expect(await lake()).toMatchObject({
      servicePrincipal: { clientId: 'worker', federated: true },
      status: 'complete'
    })
    expect((await world.put(acme, text)).body.counts).toMatchObject({ unchanged: 1 })
  })

  test('is there with another team and workspace too, in one import', async () => {
    const moved = federated(`${principal}, production: true, status: complete`)
      .replace('Red', 'Blue')
      .replace('adb-1.2', 'adb-3.4')
    expect((await world.put(acme, moved)).body.resources).toMatchObject([
      { changes: [{ member: 'team' }, { member: 'workspaceUrl' }], toDo: [] }
    ])
    expect(await lake()).toMatchObject({
      servicePrincipal: { clientId: 'worker', federated: true },
      status: 'complete'
    })
  })

  test('does not become one with a secret while nobody has given that', async () => {
    const { body } = await world.put(
      acme,
      'weft: 1\nfabrics: [{ name: Lake, servicePrincipal: { clientId: worker } }]'
    )
    expect(body.resources).toMatchObject([
      { action: 'unchanged', toDo: [{ code: 'service_principal_secret_to_set' }] }
    ])
    expect((await lake())?.servicePrincipal).toEqual({ clientId: 'worker', federated: true })
  })

  test('400 for false, and for a secret in the document', async () => {
    for (const fault of ['federated: false', 'clientSecret: canary']) {
      const text = federated(`servicePrincipal: { clientId: worker, ${fault} }`)
      const { status, body } = await world.put(acme, text)
      expect([status, body.errors.length]).toEqual([400, 1])
    }
  })
})

describe('a fabric with personal access tokens', () => {
  test('400 where the document names an app connection for it', async () => {
    await clear()
    const { body } = await world.put(
      acme,
      'weft: 1\nappConnections: [{ name: Main }]\nfabrics: [{ name: Lake, team: Red, kind: sql, workspaceUrl: "https://adb-1.2.azuredatabricks.net", authMethod: pat, appConnection: Main }]'
    )
    expect(body.errors).toMatchObject([{ pointer: '/fabrics/0/appConnection' }])
  })
})

describe('a dry run', () => {
  test('tells what the import then does, and changes no row of any table', async () => {
    await clear()
    await world.put(acme, whole)
    const text = whole.replace('idleMs: 60000', 'idleMs: 90000').replace('Night', 'Day')
    const before = await fingerprint(world.platform.world)
    const told = await world.put(acme, text, '?dryRun=true&prune=true')
    expect(await fingerprint(world.platform.world)).toEqual(before)
    const done = await world.put(acme, text, '?prune=true')
    expect(told.body.counts).toEqual({ create: 1, update: 1, unchanged: 2, delete: 1, keep: 0 })
    const withoutIds = (all: typeof done.body.resources) => all.map(({ id: _, ...rest }) => rest)
    expect(withoutIds(told.body.resources)).toEqual(withoutIds(done.body.resources))
    expect(told.body).toMatchObject({ isDryRun: true, counts: done.body.counts })
  })
})

describe('prune', () => {
  test('deletes what is not named, and no app connection that is in use', async () => {
    await clear()
    await world.put(acme, whole)
    const night = 'weft: 1\nfabrics: [{ name: Night }]'
    expect((await world.put(acme, night)).body.counts).toMatchObject({ delete: 0, unchanged: 1 })
    const { body } = await world.put(acme, night, '?prune=true')
    const actions = body.resources.map(({ name, action }) => [name, action])
    expect(actions).toEqual([
      ['Main', 'delete'],
      ['Second', 'keep'],
      ['Night', 'unchanged'],
      ['Sales', 'delete']
    ])
    expect(body.notices.map(({ message }) => message)).toEqual([
      'The app connection Second is kept: it is in use'
    ])
  })

  test('one that people are signed in with is in use', async () => {
    await clear()
    await world.put(acme, 'weft: 1\nappConnections: [{ name: Main }]')
    const { platform, sql } = world
    const [row] = await sql<{ id: string }>('SELECT id FROM app_connections WHERE tenant_id = $1', [
      acme.tenantId
    ])
    const person = await platform.person(acme.tenantId, [])
    await platform.grant(acme.tenantId, person, { id: row?.id as never, clientId: 'client' })
    expect((await clear()).body.resources).toMatchObject([{ name: 'Main', action: 'keep' }])
    await sql('DELETE FROM grants WHERE tenant_id = $1', [acme.tenantId])
    expect((await clear()).body.resources).toMatchObject([{ name: 'Main', action: 'delete' }])
  })
})

describe('all or nothing', () => {
  test('400 with every fault, where it is in the document, and nothing is done', async () => {
    await clear()
    await world.put(acme, whole)
    const before = await fingerprint(world.platform.world)
    const text = [
      'weft: 1',
      'appConnections:',
      '  - name: Third',
      '    scopes: [all-apis]',
      'fabrics:',
      '  - { name: New, team: Red, kind: sql, workspaceUrl: "https://example.com" }',
      '  - { name: Newer, kind: sql, workspaceUrl: https://adb-1.2.azuredatabricks.net }',
      '  - name: Sales',
      '    kind: spark',
      '    status: draft',
      '  - { name: Sales }',
      '  - { name: Newest, team: Green, kind: sql, workspaceUrl: x, appConnection: None }',
      '  - { name: Day, team: Red, kind: sql, workspaceUrl: https://adb-1.2.azuredatabricks.net,',
      '      compute: { httpPath: /nowhere } }',
      '  - { name: Dawn, appConnection: Third, team: Red, kind: sql,',
      '      workspaceUrl: https://adb-1.2.azuredatabricks.net }'
    ].join('\n')
    const { status, body } = await world.put(acme, text)
    expect(status).toBe(400)
    expect(body.errors.map(({ pointer, line }) => [pointer, line])).toEqual([
      ['/appConnections/0/scopes', 4],
      ['/fabrics/0/workspaceUrl', 6],
      ['/fabrics/1/team', 7],
      ['/fabrics/2/kind', 9],
      ['/fabrics/2/status', 10],
      ['/fabrics/3/name', 11],
      ['/fabrics/4/team', 12],
      ['/fabrics/4/appConnection', 12],
      ['/fabrics/5/compute/httpPath', 14]
    ])
    expect(await fingerprint(world.platform.world)).toEqual(before)
  })

  test('two at once: the second sees what the first did', async () => {
    await clear()
    const both = await Promise.all([world.put(acme, whole), world.put(acme, whole)])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    const counts = both.map(({ body }) => body.counts.create).sort()
    expect(counts).toEqual([0, 4])
    expect((await world.exported(acme)).fabrics).toHaveLength(2)
  })

  test('beside changes by hand neither is lost', async () => {
    await clear()
    await world.put(acme, whole)
    const { body } = await world.ask<{ items: { id: string; name: string; version: number }[] }>(
      acme.admin,
      'GET',
      '/api/v1/fabrics'
    )
    const sales = body.items.find(({ name }) => name === 'Sales')
    const patch = JSON.stringify({ version: sales?.version, description: 'by hand' })
    const [byHand, imported] = await Promise.all([
      world.ask(acme.admin, 'PATCH', `/api/v1/fabrics/${sales?.id}`, patch, 'application/json'),
      world.put(acme, 'weft: 1\nfabrics: [{ name: Sales, deadlines: { idleMs: 1000 } }]')
    ])
    const [now] = (await world.exported(acme)).fabrics.filter(({ name }) => name === 'Sales')
    expect([byHand.status, imported.status].every((one) => one === 200 || one === 412)).toBe(true)
    expect(now?.description).toBe(byHand.status === 200 ? 'by hand' : '')
    expect(now?.deadlines?.idleMs).toBe(imported.status === 200 ? 1_000 : 60_000)
  })
})

describe('export', () => {
  test('200: YAML, or JSON for who asks for it, with no secret in either', async () => {
    await clear()
    const secret = { servicePrincipal: { clientId: 'worker', clientSecret: 'canary-of-worker' } }
    const made = await world.ask(
      acme.admin,
      'POST',
      '/api/v1/fabrics',
      JSON.stringify({
        name: 'Lake',
        teamId: acme.red,
        kind: 'sql',
        provider: 'databricks',
        authMethod: 'oauth',
        workspaceUrl: 'https://adb-1.2.azuredatabricks.net',
        ...secret
      }),
      'application/json'
    )
    expect(made.status).toBe(201)
    const yaml = await world.ask(acme.admin, 'GET', '/api/v1/export')
    expect([yaml.status, yaml.type]).toEqual([200, 'application/yaml'])
    expect(parse(yaml.text)).toEqual(await world.exported(acme))
    expect(yaml.text).toContain('clientId: worker')
    expect(yaml.text).not.toContain('canary')
  })

  test('a service principal that has its secret is left alone by the import of its own export', async () => {
    const { text } = await world.ask(acme.admin, 'GET', '/api/v1/export')
    const { body } = await world.put(acme, text)
    expect(body.resources).toMatchObject([{ name: 'Lake', action: 'unchanged', toDo: [] }])
    const other = await world.put(acme, text.replace('clientId: worker', 'clientId: another'))
    expect(other.body.resources).toMatchObject([
      { action: 'unchanged', toDo: [{ code: 'service_principal_secret_to_set' }] }
    ])
  })

  test('a team that shares its name with a person’s own goes by its id, and is found by it', async () => {
    await world.sql(
      `UPDATE teams SET name = 'Red', kind = 'personal' WHERE tenant_id = $1 AND name = 'Blue'`,
      [acme.tenantId]
    )
    const { text } = await world.ask(acme.admin, 'GET', '/api/v1/export')
    expect(text).toContain(`team: ${acme.red}`)
    expect((await world.put(acme, text)).body.counts).toMatchObject({ unchanged: 1 })
    const { body } = await world.put(acme, 'weft: 1\nfabrics: [{ name: Lake, team: Red }]')
    expect(body.errors).toMatchObject([{ pointer: '/fabrics/0/team' }])
    await world.sql(
      `UPDATE teams SET name = 'Blue', kind = 'shared' WHERE tenant_id = $1 AND name = 'Red' AND id <> $2`,
      [acme.tenantId, acme.red]
    )
  })
})

describe('who may', () => {
  test('403 for a team admin, 401 for nobody, and 403 without the pages’ own header', async () => {
    const { member, admin } = acme
    const { 'x-weft-csrf': _, ...foreign } = admin
    for (const [headers, status] of [
      [member, 403],
      [{ host: admin.host ?? '' }, 401]
    ] as const) {
      expect((await world.ask(headers, 'GET', '/api/v1/export')).status).toBe(status)
      expect((await world.ask(headers, 'PUT', '/api/v1/import', empty)).status).toBe(status)
    }
    expect((await world.ask(foreign, 'PUT', '/api/v1/import', empty)).status).toBe(403)
  })

  test('another tenant neither sees, names nor prunes what is not its own', async () => {
    const globex = await world.settle('globex')
    await clear()
    await world.put(acme, whole)
    const before = await world.exported(acme)
    expect(await world.exported(globex)).toEqual({ weft: 1, appConnections: [], fabrics: [] })
    const named = await world.put(
      globex,
      `weft: 1\nfabrics: [{ name: Sales, team: ${acme.red}, kind: sql, workspaceUrl: x }]`
    )
    expect(named.body.errors).toMatchObject([
      { pointer: '/fabrics/0/team', message: 'no such team' }
    ])
    expect((await clear(globex)).body.counts).toMatchObject({ delete: 0, keep: 0 })
    expect(await world.exported(acme)).toEqual(before)
  })
})

describe('the identity', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  const nullable = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: null })
  const minutes = nullable(fc.integer({ min: 5, max: 5_256_000 }))
  const words = [
    'yes',
    'no',
    '~',
    'null',
    '012',
    '1e3',
    '- a',
    'a: b',
    '# c',
    '<<',
    '*a',
    '"',
    '\n'
  ]
  const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom(...words))
  const connection = fc.record({
    name: fc.oneof(name, fc.constantFrom(...words)),
    accountHost: nullable(fc.constant('accounts.azuredatabricks.net')),
    accountId: nullable(fc.uuid()),
    clientId: nullable(name),
    clientAuthMethod: fc.constantFrom('client_secret_post', 'client_secret_basic'),
    scopes: fc.constantFrom(['all-apis', 'offline_access'], ['offline_access', 'sql', 'all-apis']),
    isDisabled: fc.boolean(),
    allowedHosts: fc.constantFrom([], ['*.azuredatabricks.net', 'adb-1.2.azuredatabricks.net']),
    tokenPolicy: fc.record({
      refreshTokenTtlMinutes: minutes,
      absoluteSessionLifetimeMinutes: minutes,
      hasSingleUseRefreshTokens: nullable(fc.boolean())
    })
  })
  const milliseconds = fc.integer({ min: 100, max: 10_000 })
  const ofKinds = fc.oneof(
    fc.record({
      kind: fc.constant('sql'),
      compute: fc.record(
        {
          catalog: fc.constantFrom('main', '0777'),
          schema: fc.constantFrom('default', 'true'),
          warehouseId: fc.constantFrom('0123456789abcdef', '12e4')
        },
        { requiredKeys: ['warehouseId'] }
      )
    }),
    fc.record({
      kind: fc.constant('spark'),
      compute: fc.constantFrom({}, { serverless: true }, { clusterId: '0731-101500-weft0001' }),
      jobSizes: fc.constantFrom(
        [],
        [
          {
            name: 'big',
            cluster: { spark_version: '16.4', num_workers: 8, spark_conf: { 'a.b': '1e3' } }
          }
        ]
      )
    })
  )
  const fabric = fc
    .record({
      name: fc.oneof(name, fc.constantFrom(...words)),
      team: fc.constantFrom('Red', 'Blue'),
      description: text,
      ofKind: ofKinds,
      workspaceUrl: fc.constantFrom(
        'https://adb-1.2.azuredatabricks.net',
        'https://dbc-1.cloud.databricks.com'
      ),
      authMethod: fc.constantFrom('oauth', 'pat'),
      appConnection: nullable(fc.nat({ max: 2 })),
      servicePrincipal: nullable(
        fc.record({ clientId: fc.constantFrom('worker', '007'), federated: fc.constant(true) })
      ),
      servicePrincipalUse: fc.constantFrom('admins', 'team'),
      endpointAllowList: nullable(fc.uniqueArray(fc.constantFrom('a', 'on', '123', 'x-y'))),
      deadlines: fc.record(
        { connectMs: milliseconds, idleMs: milliseconds, totalMs: milliseconds },
        { requiredKeys: [] }
      ),
      isDependedUpon: fc.boolean()
    })
    .map(({ ofKind, isDependedUpon, ...rest }) => ({
      ...rest,
      ...ofKind,
      // Without a service principal a production fabric stays a draft.
      production: isDependedUpon,
      status: isDependedUpon && rest.servicePrincipal === null ? 'draft' : 'complete'
    }))
  const byName = { selector: ({ name: one }: { name: string }) => one, maxLength: 3 }
  const documents = fc
    .record({
      connections: fc.uniqueArray(connection, { ...byName, minLength: 1 }),
      fabrics: fc.uniqueArray(fabric, { ...byName, maxLength: 4 }),
      first: fc.nat({ max: 2 })
    })
    .map(({ connections, fabrics, first }) => ({
      weft: 1,
      appConnections: connections.map((one, at) => ({
        ...one,
        isDefault: at === first % connections.length
      })),
      fabrics: fabrics.map((one) => ({
        ...one,
        appConnection:
          one.appConnection === null || one.authMethod === 'pat'
            ? null
            : (connections[one.appConnection % connections.length]?.name ?? null)
      }))
    }))

  test('import → export → import: what comes out is what went in, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(documents, async (document) => {
        await clear()
        const { status, text } = await world.put(acme, JSON.stringify(document))
        expect([status, status === 200 ? '' : text]).toEqual([200, ''])
        const { text: yaml } = await world.ask(acme.admin, 'GET', '/api/v1/export')
        const out = parse(yaml)
        const sorted = <T extends { name: string }>(all: readonly T[]) =>
          all.toSorted((a, b) => (a.name < b.name ? -1 : 1))
        expect(out).toMatchObject({
          appConnections: sorted(document.appConnections),
          fabrics: sorted(document.fabrics)
        })
        const again = await world.put(acme, yaml, '?prune=true')
        expect(again.body.resources?.filter(({ action }) => action !== 'unchanged')).toEqual([])
        expect(await world.exported(acme)).toEqual(out)
      }),
      { numRuns: 8 }
    )
  }, 60_000)
})
