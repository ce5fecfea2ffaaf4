import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApiOf } from '../../src/http/openapi.ts'
import type { RouteFact } from '../../src/http/route.ts'
import { type Answer, answersTo, plainOf } from './answers.ts'
import { type Cast, createCast } from './cast.ts'
import { fingerprint, tenantOfIds } from './database.ts'
import { intrusionsInto } from './intrusions.ts'
import { type Case, createPlanner, nameOf } from './plan.ts'
import { table } from './table.ts'

let cast: Cast
let routes: readonly RouteFact[]
let answers: readonly (readonly [Case, Answer])[]
let intrusions: readonly (readonly [Case, Answer])[]
/** What the refused calls left behind: tables that they changed, requests that reached the workspace. */
let written: readonly string[]
let upstream: number

beforeAll(async () => {
  cast = await createCast()
  const { app, port, world } = cast.platform
  routes = app.routeTable
  const plan = createPlanner(cast, await successes())
  const known = routes.filter((route) => nameOf(route) in table)
  const planned = known.flatMap((route) =>
    cast.callers.map((caller) => plan(route, table[nameOf(route)] ?? {}, caller))
  )
  const cases = (await Promise.all(planned)).flat()
  const before = await fingerprint(world)
  const { hits } = world.server
  const refused = cases.filter(({ expected }) => !expected.isAllowed)
  const all = await answersTo(port, refused)
  const allowed = cases.filter(({ expected }) => expected.isAllowed)
  intrusions = await answersTo(port, intrusionsInto(allowed, cast))
  const after = await fingerprint(world)
  // A tenant's key of marks, and the data key that seals it, are made when first needed, whatever comes of it.
  const kept = ['token_mark_keys', 'data_keys']
  written = Object.keys(after).filter(
    (name) => after[name] !== before[name] && !kept.includes(name)
  )
  upstream = world.server.hits - hits
  all.push(
    ...(await answersTo(
      port,
      allowed.filter(({ changes }) => !changes)
    ))
  )
  // A route after the other, those of all things of a kind last: what one changes is not what another needs.
  const rank = (route: RouteFact) => (table[nameOf(route)]?.isLast ? 0 : route.url.length)
  for (const route of known.toSorted((one, next) => rank(next) - rank(one))) {
    const changing = allowed.filter((one) => one.changes && one.route === route)
    all.push(...(await answersTo(port, changing)))
  }
  answers = all
}, 300_000)

afterAll(() => cast?.platform.close())

async function successes(): Promise<(route: RouteFact) => number | null> {
  const { paths } = (await openApiOf(cast.platform.app)) as {
    paths: Record<string, Record<string, { responses: object }>>
  }
  return ({ method, url }) => {
    const path = paths[url.replaceAll(/:(\w+)/g, '{$1}')]
    const statuses = Object.keys(path?.[method.toLowerCase()]?.responses ?? {}).map(Number)
    return statuses.find((status) => status >= 200 && status < 300) ?? null
  }
}

describe('D1 every route, by everybody, on everybody’s things', () => {
  test('every route stands in the table of test/matrix/routes, and nothing else does', () => {
    const missing = routes.map(nameOf).filter((name) => !(name in table))
    const hint = missing.map((name) => `'${name}': { /* see test/matrix/entry.ts */ }`)
    expect(hint, 'add these to the file of their room in test/matrix/routes').toEqual([])
    const names = new Set(routes.map(nameOf))
    expect(
      Object.keys(table).filter((name) => !names.has(name)),
      'no such route'
    ).toEqual([])
  })

  test('each is answered as the role table and the place of the thing say', () => {
    expect(answers.length).toBeGreaterThan(2_000)
    const wrong = answers
      .filter(([{ expected }, { status }]) => !expected.statuses.includes(status))
      .map(([{ name, expected }, { status, text }]) => {
        const words = /"(?:code|detail)":"[^"]*"|<title>[^<]*/.exec(text)?.[0] ?? ''
        return `${name}: ${status}, not ${expected.statuses.join(' or ')} ${words}`
      })
    expect(wrong).toEqual([])
  })

  test('what one may not see is answered like what is not there, to the letter', () => {
    const nothing = new Map(
      answers
        .filter(([{ isNothing }]) => isNothing)
        .map(([one, answer]) => [one.group, plainOf(one, answer)])
    )
    const hidden = answers.filter(([{ isHidden, group }]) => isHidden && nothing.has(group))
    expect(hidden.length).toBeGreaterThan(1_000)
    const told = hidden.filter(([one, answer]) => plainOf(one, answer) !== nothing.get(one.group))
    expect(
      told.map(([one, answer]) => [one.name, plainOf(one, answer), nothing.get(one.group)])
    ).toEqual([])
  })

  test('a refused call writes nothing and asks nobody', () => {
    expect({ written, upstream }).toEqual({ written: [], upstream: 0 })
  })

  test('D2 D11 a tenant, an owner or a right that comes beside the call is refused, never obeyed', () => {
    expect(intrusions.length).toBeGreaterThan(100)
    const obeyed = intrusions.filter(([, { status }]) => status !== 400)
    expect(obeyed.map(([{ name }, { status }]) => `${name}: ${status}`)).toEqual([])
  })

  test('D9 no answer tells of a thing of another tenant', async () => {
    const tenantOf = await tenantOfIds(cast.platform.world)
    const told = answers.flatMap(([{ caller, ids, name, route }, { text }]) => {
      if (caller.isOperator || route.access === 'public') return []
      const own = cast.tenantIds[caller.tenant]
      const found = [...new Set(text.match(/\b[a-z]{3,4}_[0-9a-hjkmnp-tv-z]{26}\b/g) ?? [])]
      return found
        .filter((id) => !ids.includes(id) && (tenantOf.get(id) ?? own) !== own)
        .map((id) => `${name}: ${id}`)
    })
    expect(told).toEqual([])
  })
})
