import { residentMiB } from './children.ts'
import { type LoadProgram, tell } from './load-program.ts'
import { number, type Section } from './markdown.ts'
import { heldEndpoint, type Target } from './traffic.ts'

/** Who holds the streams open: a process, and how its garbage is collected where that can be asked for. */
export interface Holder {
  readonly name: string
  readonly target: Target
  readonly pid: number
  collect?(): Promise<void>
}

const perSecond = 200

/** What so many open streams take of a process, and what they do to others' calls. */
export async function measureHeld(
  holders: readonly Holder[],
  load: LoadProgram,
  { held, openMs }: { readonly held: number; readonly openMs: number }
): Promise<Section> {
  const rows: string[][] = []
  const faults: string[] = []
  for (const { name, target, pid, collect = async () => undefined } of holders) {
    const others = async () => {
      const job = { kind: 'open', target, endpoint: 'json-2k', perSecond } as const
      return await tell(load, { ...job, durationMs: openMs })
    }
    const resident = async () => {
      await collect()
      return residentMiB(pid)
    }
    const hold = (count: number) =>
      tell(load, { kind: 'hold', target, endpoint: heldEndpoint, count })
    // The first streams take what every later one has already: code, connections to the workspace.
    const first = [await hold(Math.ceil(held / 10)), await tell(load, { kind: 'release' })]
    const before = await others()
    const beforeMiB = await resident()
    const opening = await hold(held)
    const heldMiB = await resident()
    const during = await others()
    const release = await tell(load, { kind: 'release' })
    const afterMiB = await resident()
    for (const { fault } of [...first, before, opening, during, release]) {
      if (fault !== null) faults.push(`${held} streams, ${name}: ${fault}`)
    }
    rows.push([
      name,
      [beforeMiB, heldMiB, afterMiB].map((size) => number(size, 0)).join(' / '),
      number(((heldMiB - beforeMiB) * 1_024) / held, 1),
      `${number(before.p50, 2)} / ${number(during.p50, 2)}`,
      `${number(before.p99, 2)} / ${number(during.p99, 2)}`
    ])
  }
  return {
    title: `${held.toLocaleString('en')} open SSE streams`,
    head: [
      '',
      'resident MiB before / open / closed',
      'KiB per stream',
      "others' p50 ms before / open",
      "others' p99 ms before / open"
    ],
    rows,
    note: '',
    faults
  }
}
