import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApiOf } from '../../src/http/openapi.ts'
import type { RouteFact } from '../../src/http/route.ts'
import { canariesIn, textOfDatabase } from '../support/canary.ts'
import { type Answer, answersTo } from './answers.ts'
import { type Cast, createCast } from './cast.ts'
import { type BodySchema, type Schemas, type TextCase, textCasesOf } from './hostile-texts.ts'
import { type Case, createPlanner, nameOf } from './plan.ts'
import { table } from './table.ts'

interface Described {
  readonly responses: object
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: BodySchema }>>
  }
}

/** Every route that takes a text, by somebody who may: in each place of it one that would do harm where it is believed. */
let cast: Cast
let tried: readonly (readonly [TextCase, Answer])[]

beforeAll(async () => {
  cast = await createCast()
  const { app, port } = cast.platform
  const { paths, components } = (await openApiOf(app)) as {
    paths: Record<string, Record<string, Described>>
    components: { schemas: Schemas }
  }
  const describedOf = ({ method, url }: RouteFact) =>
    paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
  const plan = createPlanner(cast, (route) => {
    const statuses = Object.keys(describedOf(route)?.responses ?? {}).map(Number)
    return statuses.find((status) => status >= 200 && status < 300) ?? null
  })

  async function goodCallOf(route: RouteFact): Promise<Case | null> {
    for (const caller of cast.callers) {
      const [one] = await plan(route, table[nameOf(route)] ?? {}, caller)
      if (one !== undefined && (one.expected.isAllowed || route.access === 'public')) return one
    }
    return null
  }

  const rank = (route: RouteFact) => (table[nameOf(route)]?.isLast ? 0 : route.url.length)
  const all: (readonly [TextCase, Answer])[] = []
  for (const route of app.routeTable.toSorted((one, next) => rank(next) - rank(one))) {
    const one = await goodCallOf(route)
    if (one === null) continue
    const described = describedOf(route)
    const queries = (described?.parameters ?? []).filter((parameter) => parameter.in === 'query')
    const [body] = Object.values(described?.requestBody?.content ?? {})
    const names = queries.map(({ name }) => name)
    const cases = textCasesOf(
      one,
      route.method === 'GET' ? [...names, 'q'] : names,
      body?.schema ?? null,
      components.schemas
    )
    const answers = new Map(
      await answersTo(
        port,
        cases.map((text) => text.one)
      )
    )
    for (const text of cases) {
      const answer = answers.get(text.one)
      if (answer !== undefined) all.push([text, answer])
    }
  }
  tried = all
  await cast.platform.rooms.records.flush()
}, 240_000)
afterAll(() => cast?.platform.close())

const told = ({ one, place }: TextCase) => `${one.name}: ${place}`

describe('a hostile text in every place that takes one', () => {
  test('is tried in hundreds of places of all routes', () => {
    const routes = new Set(tried.map(([{ one }]) => nameOf(one.route)))
    expect(routes.size).toBeGreaterThan(150)
    expect(tried.filter(([{ place }]) => place.startsWith('body/')).length).toBeGreaterThan(200)
    expect(tried.filter(([{ isSecret }]) => isSecret).length).toBeGreaterThan(20)
  })

  test('is an answer of Weft’s own words: never a fault of the server', () => {
    const faults = tried.filter(([, { status }]) => status === 500)
    expect(faults.map(([text]) => told(text))).toEqual([])
  })

  test('I1 I2 stands in no line of the log, which has one of each request', () => {
    const { lines } = cast.platform
    const log = lines.map((line) => JSON.stringify(line)).join('\n')
    const marks = [...log.matchAll(/marked\d{6}/g)].map(([mark]) => mark)
    expect(tried.filter(([{ mark }]) => marks.includes(mark)).map(([text]) => told(text))).toEqual(
      []
    )
    expect(lines.filter(({ msg }) => msg === 'request').length).toBeGreaterThanOrEqual(tried.length)
  })

  test('I2 stands in no header of an answer, and in no page as a script', () => {
    const wrong = tried.filter(([{ mark }, { headers, text }]) => {
      const isPage = String(headers['content-type']).startsWith('text/html')
      return JSON.stringify(headers).includes(mark) || (isPage && text.includes(`<script>${mark}`))
    })
    expect(wrong.map(([text]) => told(text))).toEqual([])
  })

  test('I1 C1 where it is a secret, no answer, record or table has it', async () => {
    const secrets = tried.filter(([{ isSecret }]) => isSecret)
    const answered = secrets.filter(([{ mark }, answer]) => answer.text.includes(mark))
    expect(answered.map(([text]) => told(text))).toEqual([])
    const kept = await textOfDatabase(cast.platform.world.database)
    const marks = secrets.map(([{ mark }]) => mark)
    expect(canariesIn(kept, marks)).toEqual([])
  })

  test('I1 I2 the calls’ own records and measures have none of what callers wrote in headers and paths', async () => {
    const { world, requests } = cast.platform
    const rows = await world.sql('SELECT to_jsonb(r)::text AS text FROM call_records r')
    const all = [...rows.map(({ text }) => String(text)), JSON.stringify(requests)].join('\n')
    const marks = tried.filter(([{ place }]) => place === 'headers' || place === 'path')
    expect(
      canariesIn(
        all,
        marks.map(([{ mark }]) => mark)
      )
    ).toEqual([])
  })
})
