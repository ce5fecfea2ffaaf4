import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { FabricPatch, FabricView, NewFabric } from '../../src/fabrics/fabrics.ts'
import { jobSizesOf } from '../../src/fabrics/job-sizes.ts'
import { as, blue, createWorld, faultOf, principal, red, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(() => world.clear())

const servicePrincipal = {
  clientId: principal.clientId,
  clientSecret: new Secret(principal.clientSecret)
}
const create = (more: Partial<NewFabric> = {}) =>
  world.fabrics.create(as.lead, world.newFabric({ compute: undefined, ...more }))
const update = ({ id, version }: FabricView, patch: Omit<FabricPatch, 'version'>) =>
  world.fabrics.update(as.lead, id, { version, ...patch })
const complete = ({ id }: FabricView) => world.fabrics.complete(as.lead, id)
const pointersOf = async (work: Promise<unknown>) => {
  const { code, errors } = await faultOf(work)
  return [code, ...(errors ?? []).map(({ pointer }) => pointer)]
}

const small = { name: 'small', cluster: { spark_version: '16.4.x-scala2.12', num_workers: 2 } }
const large = {
  name: 'large',
  cluster: {
    policy_id: 'ABC',
    autoscale: { min_workers: 2, max_workers: 8 },
    custom_tags: { a: 'b' }
  }
}

describe('what a kind has', () => {
  test('a Spark fabric has a cluster or serverless compute, and job sizes as they were given', async () => {
    const made = await create({
      kind: 'spark',
      compute: { clusterId: '1011-201400-x1a2b3c4' },
      jobSizes: [small, large]
    })
    expect(made.compute).toEqual({ clusterId: '1011-201400-x1a2b3c4' })
    expect(made.jobSizes).toEqual([small, large])
    const next = await update(made, {
      compute: { clusterId: null, serverless: true },
      jobSizes: [large]
    })
    expect([next.compute, next.jobSizes]).toEqual([{ serverless: true }, [large]])
    const last = await update(next, { compute: { serverless: null }, jobSizes: null })
    expect([last.compute, last.jobSizes]).toEqual([{}, []])
    expect(jobSizesOf({ jobSizes: JSON.parse(JSON.stringify([small])) })).toEqual([small])
  })

  test('what it has not is refused by name, all of it at once', async () => {
    expect(
      await pointersOf(
        create({ kind: 'sql', compute: { clusterId: '1011-201400-x1a2b3c4', serverless: true } })
      )
    ).toEqual([
      'invalid_request',
      '/compute/clusterId',
      '/compute/serverless',
      '/compute/serverless'
    ])
    expect(
      await pointersOf(
        create({ kind: 'spark', compute: { warehouseId: 'abc', catalog: 'c', schema: 's' } })
      )
    ).toEqual(['invalid_request', '/compute/warehouseId', '/compute/catalog', '/compute/schema'])
    expect(await pointersOf(create({ kind: 'sql', jobSizes: [small] }))).toEqual([
      'invalid_request',
      '/jobSizes'
    ])
    const spark = await create({ kind: 'spark' })
    expect(await pointersOf(update(spark, { compute: { catalog: 'main' } }))).toEqual([
      'invalid_request',
      '/compute/catalog'
    ])
    const both = { clusterId: '1011-201400-x1a2b3c4', serverless: true }
    expect(await pointersOf(update(spark, { compute: both }))).toEqual([
      'invalid_request',
      '/compute/serverless'
    ])
    expect(await world.fabrics.get(as.lead, spark.id)).toEqual(spark)
  })

  test('a path of the other kind is refused where it was given', async () => {
    const warehouse = '/sql/1.0/warehouses/abcdef0123456789'
    const cluster = '/sql/protocolv1/o/1/1011-201400-x1a2b3c4'
    for (const [kind, httpPath] of [
      ['spark', warehouse],
      ['sql', cluster]
    ] as const) {
      expect(await pointersOf(create({ kind, compute: { httpPath } }))).toEqual([
        'invalid_request',
        '/compute/httpPath'
      ])
      const jdbcUrl = `jdbc:databricks://dbc-a1b2345c-d6e7.cloud.databricks.com:443;httpPath=${httpPath}`
      expect(await pointersOf(create({ kind, workspaceUrl: undefined, jdbcUrl }))).toContain(
        '/jdbcUrl'
      )
    }
  })

  test('job sizes that no workspace would take are refused, all faults at once', async () => {
    const jobSizes = [
      small,
      { name: 'small', cluster: {} },
      { name: 'both', cluster: { ...large.cluster, num_workers: -1 } },
      {
        name: 'range',
        cluster: { spark_version: 'x', autoscale: { min_workers: 9, max_workers: 1 } }
      },
      { name: 'old', cluster: { spark_version: 'x', existing_cluster_id: 'y' } },
      { name: 'huge', cluster: { spark_version: 'x', spark_conf: { a: 'b'.repeat(17_000) } } }
    ]
    expect(await pointersOf(create({ kind: 'spark', jobSizes }))).toEqual([
      'invalid_request',
      '/jobSizes/1/name',
      '/jobSizes/1/cluster/spark_version',
      '/jobSizes/2/cluster/num_workers',
      '/jobSizes/2/cluster/autoscale',
      '/jobSizes/3/cluster/autoscale',
      '/jobSizes/4/cluster/existing_cluster_id',
      '/jobSizes/5/cluster'
    ])
  })
})

describe('draft and complete', () => {
  test('everything that is missing is told at once, and nothing is completed', async () => {
    const draft = await create({ production: true, compute: { catalog: 'main' } })
    expect(await pointersOf(complete(draft))).toEqual([
      'fabric_incomplete',
      '/servicePrincipal',
      '/compute/warehouseId'
    ])
    expect(await world.fabrics.get(as.lead, draft.id)).toEqual(draft)
    const compute = { warehouseId: 'abc' }
    expect((await complete(await update(draft, { servicePrincipal, compute }))).status).toBe(
      'complete'
    )
  })

  test('without any compute a fabric is complete: endpoints need none', async () => {
    expect((await complete(await create())).status).toBe('complete')
  })

  test('what is complete stays so: a change that would leave something missing is refused', async () => {
    const made = await complete(await create({ compute: { warehouseId: 'abc', schema: 's' } }))
    expect(await pointersOf(update(made, { compute: { warehouseId: null } }))).toEqual([
      'fabric_incomplete',
      '/compute/warehouseId'
    ])
    expect((await update(made, { compute: null })).compute).toEqual({})
  })
})

describe('a production fabric', () => {
  const withoutPrincipal = ['fabric_incomplete', '/servicePrincipal']

  test('is never complete without a service principal, however it would come to that', async () => {
    const plain = await complete(await create())
    expect(await pointersOf(update(plain, { production: true }))).toEqual(withoutPrincipal)
    const made = await update(plain, { production: true, servicePrincipal })
    expect(made).toMatchObject({ production: true, status: 'complete' })
    const elsewhere = { workspaceUrl: world.elsewhere.url }
    for (const patch of [{ servicePrincipal: null }, elsewhere]) {
      expect(await pointersOf(update(made, patch))).toEqual(withoutPrincipal)
    }
    expect(await world.fabrics.get(as.lead, made.id)).toEqual(made)
    const moved = await update(made, { ...elsewhere, servicePrincipal })
    expect(moved.servicePrincipal?.clientId).toBe(principal.clientId)
    expect((await update(moved, { production: false, servicePrincipal: null })).production).toBe(
      false
    )
  })

  test('keeps the service principal that it has as a draft, too', async () => {
    const made = await create({ name: 'Other', production: true, servicePrincipal })
    expect(await pointersOf(update(made, { servicePrincipal: null }))).toEqual(withoutPrincipal)
  })

  test('becomes a draft with another team, which gives it a service principal of its own', async () => {
    const made = await complete(await create({ production: true, servicePrincipal }))
    const { fabric } = await world.fabrics.transfer(as.admin, made.id, {
      teamId: blue,
      version: made.version
    })
    expect(fabric).toMatchObject({ status: 'draft', production: true, servicePrincipal: null })
  })
})

describe('the list', () => {
  const names = async (query: object, scope: (typeof as)['lead'] = as.lead) => {
    const page = { limit: 50, cursor: null }
    const { items } = await world.fabrics.list(scope, { ...page, ...query })
    return items.map(({ name }) => name).sort()
  }

  test('is narrowed by kind, team, status and name, each with how it does', async () => {
    await complete(await create({ name: 'Sales 100%' }))
    await create({ name: 'sales_night', kind: 'spark' })
    const theirs = world.newFabric({ name: 'Sales of blue', teamId: blue })
    await world.fabrics.create(as.outsider, theirs)
    expect(await names({})).toEqual(['Sales 100%', 'sales_night'])
    expect(await names({ q: 'SALES' })).toEqual(['Sales 100%', 'sales_night'])
    expect(await names({ q: '%' })).toEqual(['Sales 100%'])
    expect(await names({ q: '_' })).toEqual(['sales_night'])
    expect(await names({ q: 'sales', kind: 'sql' })).toEqual(['Sales 100%'])
    expect(await names({ status: 'draft' })).toEqual(['sales_night'])
    expect(await names({ teamId: red }, as.admin)).toEqual(['Sales 100%', 'sales_night'])
    expect(await names({ teamId: blue })).toEqual([])
    const { items } = await world.fabrics.list(as.lead, { limit: 1, cursor: null, q: 'sales' })
    expect(items[0]?.health).toEqual({ state: 'unknown', since: null })
  })

  test('goes page by page within what was asked for', async () => {
    for (const name of ['a1', 'b', 'a2', 'a3']) await create({ name })
    const first = await world.fabrics.list(as.lead, { limit: 2, cursor: null, q: 'a' })
    expect(first.items.map(({ name }) => name)).toEqual(['a3', 'a2'])
    const rest = { limit: 2, cursor: first.nextCursor, q: 'a' }
    const second = await world.fabrics.list(as.lead, rest)
    expect([second.items.map(({ name }) => name), second.nextCursor]).toEqual([['a1'], null])
  })
})
