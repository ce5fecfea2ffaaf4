import { tokenTimeoutMs } from '../../src/oauth/token-endpoint.ts'

/** One way in which an answer can have been lost. */
export type Loss = 'cut' | 'late' | 'error' | 'network' | 'kill'

/** A refresh token that was shown to the provider, which acted on it: from then on it is spent. */
export interface Encounter {
  readonly token: string
  /** What the provider was told to do, in one word. */
  readonly plan: string
  /** What the plan itself does to the answer. */
  readonly loss: Loss | null
  /** Milliseconds of the run's own clock; `endMs` is when the last byte was handed over. */
  readonly startMs: number
  readonly endMs: number
}

export interface Span {
  readonly fromMs: number
  toMs: number
}

/** `kill -9` of a process, and since when its database had been out of reach, if it was. */
export interface Kill {
  readonly atMs: number
  readonly isDatabaseAway: boolean
}

/** For an answer that is on its way, and for a process that has it and has not kept it yet. */
const travelMs = 1_500
const keepMs = 4_000
/** As long as a process insists on keeping an answer while its database is away. */
const insistMs = 30_000

/** Everything that ever befell the refresh tokens of one provider. */
export function createLedger(kills: readonly Kill[]) {
  const encounters = new Map<string, Encounter[]>()
  const disturbed: Span[] = []

  function lossesOf({ loss, startMs, endMs }: Encounter, untilMs = 0): Loss[] {
    const losses: Loss[] = loss === null ? [] : [loss]
    const arrivedMs = Math.max(endMs + travelMs, untilMs)
    const isDisturbed = disturbed.some(({ fromMs, toMs }) => fromMs <= arrivedMs && toMs >= startMs)
    if (untilMs - startMs >= tokenTimeoutMs) losses.push('late')
    if (isDisturbed) losses.push('network')
    const isKilled = kills.some(({ atMs, isDatabaseAway }) => {
      const lastMs = endMs + travelMs + (isDatabaseAway ? insistMs : keepMs)
      return atMs >= startMs && atMs <= lastMs
    })
    if (isKilled) losses.push('kill')
    return losses
  }

  return {
    /** The network before the provider is not to be relied on for a while. */
    disturb(span: Span): void {
      disturbed.push(span)
    },
    note(encounter: Encounter): void {
      const known = encounters.get(encounter.token)
      if (known === undefined) encounters.set(encounter.token, [encounter])
      else known.push(encounter)
    },
    of: (token: string): readonly Encounter[] => encounters.get(token) ?? [],
    /**
     * How this answer may have been lost.
     * @param untilMs when Weft is known to have given up on it, where that is known; run's own clock
     */
    lossesOf,
    /** Tokens that were acted on more than once, and when they were shown, in turn. */
    repeated: (): [token: string, encounters: readonly Encounter[]][] =>
      [...encounters]
        .filter(([, list]) => list.length > 1)
        .map(([token, list]) => [token, list.toSorted((one, other) => one.startMs - other.startMs)])
  }
}

export type Ledger = ReturnType<typeof createLedger>
