/** What went against an invariant, and how much of everything else happened. */
export interface Findings {
  /** @param rule the invariant; `told` is what to look at, without a secret in it */
  violate(rule: string, told: unknown): void
  count(name: string, by?: number): void
  /** Something was broken on purpose: counted, and told with what goes wrong soon after. */
  fault(name: string, where: string): void
  counted(name: string): number
  readonly violations: number
  /** Every invariant that was broken with its first few cases. */
  report(): string[]
  /** `name count` of everything counted that begins so. */
  tally(prefix: string): string
}

const casesMax = 5
const recentMax = 12

export function createFindings(say: (line: string) => void): Findings {
  const broken = new Map<string, { times: number; cases: string[] }>()
  const counts = new Map<string, number>()
  const recent: string[] = []
  let violations = 0
  function count(name: string, by = 1): void {
    counts.set(name, (counts.get(name) ?? 0) + by)
  }

  return {
    count,
    fault(name, where) {
      count(`fault ${name}`)
      recent.push(`${new Date().toISOString().slice(11, 19)} ${name} (${where})`)
      if (recent.length > recentMax) recent.shift()
    },
    violate(rule, told) {
      violations += 1
      const known = broken.get(rule) ?? { times: 0, cases: [] }
      known.times += 1
      const at = new Date().toISOString()
      const one = `${at} ${typeof told === 'string' ? told : JSON.stringify(told)}`
      if (known.cases.length < casesMax) {
        known.cases.push(one)
        say(`BROKEN  ${rule}: ${one}`)
        if (known.times === 1) say(`        after ${recent.join(', ')}`)
      }
      broken.set(rule, known)
    },
    counted: (name) => counts.get(name) ?? 0,
    get violations() {
      return violations
    },
    report: () =>
      [...broken].flatMap(([rule, { times, cases }]) => [
        `BROKEN  ${rule}: ${times} times`,
        ...cases.map((one) => `          ${one}`)
      ]),
    tally: (prefix) =>
      [...counts]
        .filter(([name]) => name.startsWith(prefix))
        .sort(([, one], [, other]) => other - one)
        .map(([name, times]) => `${name.slice(prefix.length)} ${times}`)
        .join(', ')
  }
}
