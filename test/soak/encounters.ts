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

  function lossesOf({ loss, startMs, endMs }: Encounter): Loss[] {
    const losses: Loss[] = loss === null ? [] : [loss]
    const isDisturbed = disturbed.some(
      ({ fromMs, toMs }) => fromMs <= endMs + travelMs && toMs >= startMs
    )
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
    lossesOf,
    /** Tokens that were acted on more than once. */
    repeated: (): [token: string, encounters: readonly Encounter[]][] =>
      [...encounters].filter(([, list]) => list.length > 1)
  }
}

export type Ledger = ReturnType<typeof createLedger>
