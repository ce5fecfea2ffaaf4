import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { Counts } from '../../src/base/measures.ts'
import { createGatewayMeasures } from '../../src/gateway/gateway-measures.ts'
import { buildAdminApp } from '../../src/http/admin.ts'
import { createRequestMeasures } from '../../src/http/metrics/requests.ts'
import { dbErrorClasses } from '../../src/store/db-errors.ts'
import { createRefreshTally } from '../../src/vault/vault-measures.ts'

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const rules: Rule[] = parse(textOf('deploy/prometheus/weft-alerts.yaml')).groups.flatMap(
  ({ rules }: { rules: Rule[] }) => rules
)
const alerts = rules.filter(({ alert }) => alert !== undefined)
const dashboard: {
  readonly panels: readonly {
    readonly type: string
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }[]
} = JSON.parse(textOf('deploy/grafana/weft.json'))
const panels = dashboard.panels.filter(({ type }) => type !== 'row')

/** What Weft exports: each series as it is written, and each metric as it is declared. */
let series: string[]
let declared: string[]
let close: () => Promise<void>

beforeAll(async () => {
  const admin = await buildAdminApp({
    version: '0',
    standing: { isReady: true, degraded: [] },
    requests: createRequestMeasures(),
    records: { size: 0, dropped: 0 },
    lastUses: { waiting: 0 },
    streams: () => ({ waiting: { webhook: 0, otlp: 0 }, failing: { webhook: 0, otlp: 0 } }),
    spans: null,
    gateway: {
      load: () => ({
        inFlight: 0,
        refused: { lag: 0, process: 0, tenant: 0, caller: 0, fabric: 0, host: 0, rate: 0 },
        breakers: { failing: 0, open: 0, probing: 0 },
        measures: createGatewayMeasures()
      })
    },
    vault: () => ({
      refreshes: createRefreshTally().refreshes,
      refreshing: 0,
      held: { hits: 0, misses: 0, entries: 0, entriesMax: 0 }
    }),
    slowClients: { bodies: 0, readers: 0 },
    lagMs: () => 0,
    database: () => ({
      connections: { inUse: 0, idle: 0, max: 0 },
      waiting: 0,
      errors: new Counts(dbErrorClasses)
    }),
    jobs: () => [{ name: 'a', everyMs: 1, succeeded: 0, failed: 0, ageMs: 0, tookMs: 0 }],
    keys: () => ({
      sealingFingerprint: 'f',
      keys: { sealing: 1, staged: 0, retiring: 0 },
      silentMs: null
    }),
    ahead: () => ({
      inFlight: 0,
      waiting: 0,
      tenantsDue: 0,
      lateMs: 0,
      hostsAway: 0,
      outcomes: { renewed: 0 }
    })
  })
  const lines = (await admin.inject('/metrics')).body.split('\n')
  series = lines.filter((line) => line.startsWith('weft_')).map((line) => line.replace(/ \S+$/, ''))
  declared = lines.flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? [])
  close = () => admin.close()
})
afterAll(() => close?.())

/** What an expression selects that no series answers to: a metric, or a value of a label. */
function unknownIn(expr: string): string[] {
  const selectors = expr.matchAll(/\b(weft_\w+)(?:\{([^}]*)\})?/g)
  return [...selectors].flatMap(([selector, name = '', matchers = '']) => {
    const own = series.filter((one) => one.replace(/\{.*/, '') === name)
    const values = [...matchers.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)].flatMap(
      ([, label = '', , text = '']) => text.split('|').map((value) => `${label}="${value}"`)
    )
    const missing = values.filter(
      (value) => !value.startsWith('instance=') && !own.some((one) => one.includes(value))
    )
    return own.length === 0 ? [selector] : missing.map((value) => `${name}: ${value}`)
  })
}

/** Labels that an expression groups by, each of which must be one of its metrics', or Prometheus' own. */
function unknownLabelsIn(expr: string): string[] {
  const names = [...expr.matchAll(/\b(weft_\w+)/g)].map(([, name = '']) => name)
  const labels = series
    .filter((one) => names.includes(one.replace(/\{.*/, '')))
    .flatMap((one) => [...one.matchAll(/(\w+)="/g)].map(([, label = '']) => label))
  const asked = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim())
  )
  return asked.filter((label) => label !== 'instance' && !labels.includes(label))
}

describe('alerts', () => {
  test('ask for metrics, labels and values that Weft exports', () => {
    const recorded = rules.flatMap(({ record }) => record ?? [])
    const exprs = rules.map(({ expr }) =>
      recorded.reduce((left, name) => left.replaceAll(name, 'vector(0)'), expr)
    )
    expect(exprs.flatMap(unknownIn)).toEqual([])
    expect(exprs.flatMap(unknownLabelsIn)).toEqual([])
  })

  test('each says what happened, whose move it is and where to look, and how bad it is', () => {
    expect(alerts.length).toBeGreaterThan(15)
    for (const { alert, annotations = {}, labels } of alerts) {
      expect(Object.keys(annotations).sort(), alert).toEqual(['look', 'owner', 'summary', 'what'])
      for (const text of Object.values(annotations)) expect(text.length, alert).toBeGreaterThan(7)
      expect(labels?.severity, alert).toMatch(/^(critical|warning|info)$/)
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
  })

  test('their words name only metrics that there are', () => {
    const words = alerts.flatMap(({ annotations = {} }) => Object.values(annotations)).join(' ')
    const named = [...words.matchAll(/\bweft_\w+/g)].map(([name]) => name)
    const isKnown = (name: string) =>
      declared.includes(name) || series.some((one) => one.includes(`"${name}"`))
    expect(named.filter((name) => !isKnown(name))).toEqual([])
  })
})

describe('the dashboard', () => {
  test('asks for metrics, labels and values that Weft exports', () => {
    const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    expect(exprs.length).toBeGreaterThan(40)
    expect(exprs.flatMap(unknownIn)).toEqual([])
    expect(exprs.flatMap(unknownLabelsIn)).toEqual([])
  })

  test('has a row for each thing that an operator asks after, and a name for each panel', () => {
    const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)
    for (const word of 'Traffic Errors Refresh Tokens Upstream loop Database Queues Breakers Keys Jobs'.split(
      ' '
    )) {
      expect(rows.join(), word).toContain(word)
    }
    expect(panels.filter(({ title }) => title === '')).toEqual([])
  })
})

test('the documented metrics are those that Weft exports, all of them', () => {
  const [, section = ''] = /^## Metrics\n(.*?)^##/ms.exec(textOf('docs/operations.md')) ?? []
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  const documented = rows.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`(weft_\w+)`/g)].map(([, name]) => name)
  )
  const own = declared.filter((name) => !/^weft_(process|nodejs)_/.test(name))
  expect([...documented].sort()).toEqual([...own].sort())
})

describe('a planted fault is seen', () => {
  test.each([
    ['a metric that is none', 'rate(weft_nothing_total[5m])'],
    ['a value that no label has', 'weft_ready == 0 and weft_degraded{part="moon"}'],
    ['one value of several', 'weft_refreshes_total{outcome=~"renewed|rotten"}']
  ])('%s', (_what, expr) => expect(unknownIn(expr)).toHaveLength(1))

  test('a label to group by that no series has', () => {
    expect(unknownLabelsIn('sum by (tenant) (weft_ready)')).toEqual(['tenant'])
  })
})
