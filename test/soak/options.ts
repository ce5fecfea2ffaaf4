import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export interface SoakOptions {
  /** How long the faults last; setting up and settling come on top, two minutes at most. */
  readonly minutes: number
  /** Of everything that is left to chance in the run's own choices. */
  readonly seed: string
  /** Server processes; the first is never killed, so that its growth can be seen. */
  readonly processes: number
  /** People in each of the two tenants. */
  readonly people: number
}

/** @throws TypeError an argument that is none */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>
): SoakOptions {
  const option = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: option, seed: option, processes: option, people: option }
  })
  const number = (name: 'minutes' | 'processes' | 'people', otherwise: number, min: number) => {
    const value = Number(values[name] ?? env[`WEFT_SOAK_${name.toUpperCase()}`] ?? otherwise)
    if (value >= min) return value
    throw new TypeError(`--${name} is a number of at least ${min}`)
  }
  return {
    minutes: number('minutes', 10, 0.1),
    seed: values.seed ?? env.WEFT_SOAK_SEED ?? String(randomInt(1_000_000_000)),
    processes: number('processes', 3, 3),
    people: number('people', 6, 1)
  }
}
