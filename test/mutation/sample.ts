import { createHash } from 'node:crypto'

/** Which of all changes are tried: each has the same chance, by lot. */
export interface Sample {
  /** From 0 to 1. */
  readonly share: number
  /** The same changes for the same seed, as long as their source stays. */
  readonly seed: string
}

interface Change {
  readonly id: string
  readonly fileName: string
  readonly mutatorName: string
  readonly replacement: string
  readonly location: unknown
}

/** What Stryker gives a plugin of its options: our own member is among them. */
type Options = Readonly<Record<string, unknown>>

function isDrawn(change: Change, { share, seed }: Sample): boolean {
  const { fileName, mutatorName, replacement, location } = change
  const name = fileName.slice(fileName.lastIndexOf('/src/'))
  const text = JSON.stringify([seed, name, mutatorName, replacement, location])
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32 < share
}

/** A Stryker checker: a change that was not drawn counts as one that does not compile, for nothing. */
function createSampler(options: Options) {
  const sample = options.sample as Sample // as run.ts put it there
  return {
    init: async () => undefined,
    check: async (changes: readonly Change[]) =>
      Object.fromEntries(
        changes.map((change) => [
          change.id,
          isDrawn(change, sample)
            ? { status: 'passed' }
            : { status: 'compileError', reason: 'not drawn' }
        ])
      ),
    group: (changes: readonly Change[]) => [changes.map(({ id }) => id)]
  }
}
createSampler.inject = ['options'] as const

export const strykerPlugins = [{ kind: 'Checker', name: 'sample', factory: createSampler }]
