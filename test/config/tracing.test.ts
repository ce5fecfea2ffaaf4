import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { attempt } from '../../src/config/refusal.ts'
import { readTracing } from '../../src/config/tracing.ts'

/** As `parseConfig` reads. */
function read(env: Readonly<Record<string, string>>) {
  const faults: string[] = []
  const asked: string[] = []
  const tracing = readTracing((name, parse) => {
    asked.push(name)
    const text = env[name] ?? ''
    return text === ''
      ? null
      : attempt(
          () => parse(text),
          (message) => faults.push(`${name} ${message}`)
        )
  })
  return { tracing, faults, asked }
}

const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

describe('traces', () => {
  test('are off unless a collector is named, and by the standard’s own switches', () => {
    expect(read({}).tracing).toBeNull()
    expect(read({ ...collector, OTEL_SDK_DISABLED: 'TRUE' }).tracing).toBeNull()
    expect(read({ ...collector, OTEL_TRACES_EXPORTER: 'none' }).tracing).toBeNull()
  })

  test('go where OpenTelemetry says, all of them, as protobuf, unless told otherwise', () => {
    expect(read(collector).tracing).toEqual({
      url: 'http://collector:4318/v1/traces',
      protocol: 'http/protobuf',
      headers: {},
      sampler: { isParentBased: true, ratio: 1 },
      serviceName: 'weft'
    })
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.test/of/mine' }
    expect(read({ ...collector, ...own }).tracing?.url).toBe('https://traces.test/of/mine')
    const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://traces.test/otlp/' }
    expect(read(base).tracing?.url).toBe('https://traces.test/otlp/v1/traces')
  })

  test('carry headers whose values print as nothing', () => {
    const { tracing } = read({
      ...collector,
      OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=canary%20value, x-tenant = b=c '
    })
    expect(tracing?.headers['api-key']?.reveal()).toBe('canary value')
    expect(tracing?.headers['x-tenant']?.reveal()).toBe('b=c')
    expect(JSON.stringify(tracing)).not.toContain('canary')
  })

  test.each([
    ['always_on', undefined, { isParentBased: false, ratio: 1 }],
    ['always_off', '1', { isParentBased: false, ratio: 0 }],
    ['traceidratio', '0.25', { isParentBased: false, ratio: 0.25 }],
    ['parentbased_traceidratio', undefined, { isParentBased: true, ratio: 1 }],
    ['parentbased_always_off', undefined, { isParentBased: true, ratio: 0 }]
  ])('are sampled by %s (%s)', (name, arg, sampler) => {
    const env = { ...collector, OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg ?? '' }
    expect(read(env).tracing?.sampler).toEqual(sampler)
  })

  test('every fault is told at once, with the variable and never with its value', () => {
    const { faults } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://canary:4317',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://canary:canary@host/?canary',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_HEADERS: 'canary,a=%zz,b=\n',
      OTEL_TRACES_SAMPLER: 'canary',
      OTEL_TRACES_SAMPLER_ARG: '2',
      OTEL_TRACES_EXPORTER: 'canary'
    })
    expect(new Set(faults.map((fault) => fault.split(' ')[0])).size).toBe(7)
    expect(faults.join()).not.toContain('canary')
  })

  test('.env.example documents exactly what is read, and its examples are sound', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    const entries = [...text.matchAll(/^#(OTEL_[A-Z_]+)=(.*)$/gm)].map(
      ([, name = '', value = '']) => [name, value] as const
    )
    const { asked, faults } = read(Object.fromEntries(entries))
    expect(entries.map(([name]) => name).sort()).toEqual([...new Set(asked)].sort())
    expect(faults).toEqual([])
  })
})
