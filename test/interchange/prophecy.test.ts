import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type Settled, type World } from './world.ts'

let world: World
let acme: Settled

beforeAll(async () => {
  world = await createWorld()
  acme = await world.settle('acme')
}, 120_000)
afterAll(() => world?.close())

const host = 'https://adb-1.2.azuredatabricks.net'
/** As the build tool writes it: `FabricConfig` with a list of `FabricInfo`. */
const file = `
fabrics:
  - id: "1174"
    name: Production
    type: Spark
    provider: Databricks
    databricks:
      url: ${host}
      token: canary-token-of-a-person
      auth_type: oauth
      oauth_credentials:
        client_id: worker
        client_secret: canary-secret-of-worker
      user_agent: Prophecy
      volume: /Volumes/main/artifacts
  - id: 1175
    name: ""
    type: Sql
    provider: Databricks
    databricks: { url: ${host}/, token: "", auth_type: null }
  - id: "1176"
    name: Airflow
    type: Airflow
    provider: MWAA
    mwaa: { region: eu-west-1, secret_key: canary-of-mwaa }
project_git_tokens:
  - { project_id: "12", git_token: canary-of-git }
`

describe('the fabric file of the Prophecy Build Tool', () => {
  test('200: its fabrics of Databricks become a team’s, with the service principal sealed', async () => {
    const { status, body, text } = await world.put(acme, file, '?team=Red')
    expect(status).toBe(200)
    expect(body).toMatchObject({ format: 'prophecy', counts: { create: 2 } })
    expect(body.resources[0]?.changes).toContainEqual({
      member: 'servicePrincipal/clientSecret',
      from: null,
      to: 'set anew'
    })
    expect(text).not.toContain('canary')
    const { fabrics } = await world.exported(acme)
    expect(fabrics).toMatchObject([
      { name: 'Fabric 1175', kind: 'sql', workspaceUrl: host, servicePrincipal: null },
      {
        name: 'Production',
        team: 'Red',
        kind: 'spark',
        authMethod: 'oauth',
        servicePrincipal: { clientId: 'worker' }
      }
    ])
    const rows = await world.sql('SELECT sealed FROM client_secrets WHERE tenant_id = $1', [
      acme.tenantId
    ])
    expect(rows).toMatchObject([{ sealed: expect.stringMatching(/^ey[\w-]+\.\./) }])
  })

  test('what has no place in Weft is told, and never silently dropped', async () => {
    const { body } = await world.put(acme, file, '?team=Red&dryRun=true')
    expect(body.notices.map(({ pointer }) => pointer).sort()).toEqual([
      '/fabrics/0/databricks/token',
      '/fabrics/0/databricks/user_agent',
      '/fabrics/0/databricks/volume',
      '/fabrics/0/id',
      '/fabrics/1/id',
      '/fabrics/2',
      '/project_git_tokens'
    ])
    const token = body.notices.find(({ pointer }) => pointer.endsWith('/token'))
    expect(token?.message).toMatch(/a person’s token is not imported/)
  })

  test('once more it finds its fabrics by name, and sets the secret that it brings', async () => {
    const { body } = await world.put(acme, file, '?team=Red')
    expect(body.resources.map(({ action }) => action)).toEqual(['update', 'unchanged'])
    expect(body.resources[0]?.changes).toEqual([
      { member: 'servicePrincipal/clientSecret', from: 'set', to: 'set anew' }
    ])
  })

  test('neither the log, the answers, the record nor a table holds what was secret in it', async () => {
    expect(JSON.stringify(world.platform.lines)).not.toContain('canary-')
    const tables = await world.sql<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
    )
    for (const { name } of tables) {
      const rows = await world.sql(`SELECT t::text AS row FROM ${name} t`)
      expect(JSON.stringify(rows)).not.toMatch(/canary-(token|secret-of-worker|of-)/)
    }
  })

  test('a file that is one fabric alone is read too', async () => {
    const one = `{ id: "7", name: Alone, type: Sql, provider: Databricks, databricks: { url: "${host}" } }`
    const { body } = await world.put(acme, one, '?team=Blue')
    expect(body.resources).toMatchObject([{ name: 'Alone', action: 'create' }])
  })

  test.each([
    ['without a team', file, '', '/query/team'],
    ['with prune, since it names a part only', file, '?team=Red&prune=true', '/query/prune'],
    ['for a team that is not there', file, '?team=Green', '/fabrics/0'],
    [
      'with a URL that an environment variable stands for',
      file.replace(`url: ${host}\n`, 'url: "{{DATABRICKS_HOST}}"\n'),
      '?team=Red',
      '/fabrics/0/databricks/url'
    ],
    [
      'of a host that is not a workspace',
      file.replace(host, 'https://example.com'),
      '?team=Red',
      '/fabrics/0/databricks/url'
    ],
    [
      'without a URL',
      file.replace(`url: ${host}\n`, 'url: null\n'),
      '?team=Red',
      '/fabrics/0/databricks/url'
    ]
  ])('400 %s, at its place in the file', async (_what, text, query, pointer) => {
    const { status, body } = await world.put(acme, text, query)
    expect([status, body.errors.map((fault) => fault.pointer)[0]]).toEqual([400, pointer])
    expect(JSON.stringify(body)).not.toContain('canary')
  })
})
