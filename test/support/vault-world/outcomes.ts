import { AppError } from '../../../src/base/errors.ts'

/** The AppError that the work ends in; anything else is a fault of Weft's. */
export async function failureOf(work: Promise<unknown>): Promise<AppError | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await failureOf(work))?.code ?? 'no error'
}

/** How many of each outcome: a problem code, or `token`. */
export async function tally(works: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const code of await Promise.all(works.map(codeOf))) {
    const name = code === 'no error' ? 'token' : code
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
