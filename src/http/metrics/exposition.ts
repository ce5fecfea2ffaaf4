import type { Durations, Each } from '../../base/measures.ts'

/** Names and values from closed sets only: no id, host, path or address is ever one. */
export type Labels = Readonly<Record<string, string>>

interface Family {
  readonly name: string
  readonly help: string
}

/** One metric with all its series, read when somebody asks. */
export type Metric =
  | (Family & {
      readonly type: 'gauge' | 'counter'
      readonly read: () => Iterable<readonly [labels: Labels, value: number]>
    })
  | (Family & {
      readonly type: 'histogram'
      readonly read: () => Iterable<readonly [labels: Labels, durations: Durations]>
    })

/** A gauge of one series. */
export function gauge(name: string, help: string, read: () => number): Metric {
  return { type: 'gauge', name, help, read: () => [[{}, read()]] }
}

/** As Prometheus reads it (text format 0.0.4), times in seconds. */
export function expose(metrics: readonly Metric[]): string {
  return metrics.map((metric) => `${[...linesOf(metric)].join('\n')}\n`).join('\n')
}

function* linesOf(metric: Metric): Iterable<string> {
  const { name } = metric
  yield `# HELP ${name} ${metric.help}`
  yield `# TYPE ${name} ${metric.type}`
  if (metric.type !== 'histogram') {
    for (const [labels, value] of metric.read()) yield `${name}${textOf(labels)} ${value}`
    return
  }
  for (const [labels, durations] of metric.read()) {
    const cumulative = durations.cumulative()
    for (const [at, count] of cumulative.entries()) {
      const bound = durations.boundsMs[at]
      const le = bound === undefined ? '+Inf' : String(bound / 1_000)
      yield `${name}_bucket${textOf({ ...labels, le })} ${count}`
    }
    yield `${name}_sum${textOf(labels)} ${durations.sumMs / 1_000}`
    yield `${name}_count${textOf(labels)} ${cumulative.at(-1) ?? 0}`
  }
}

function textOf(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))
}

/** The entries of a closed set, each as labels and a value. */
export function* labelled<K extends string, V>(
  label: string,
  each: Each<K, V> | Iterable<readonly [K, V]>
): Iterable<readonly [Labels, V]> {
  for (const [member, value] of each) yield [{ [label]: member }, value]
}
