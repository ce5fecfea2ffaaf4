import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../base/errors.ts'

const defaultDelaysMs = [200, 500, 1_000]

/**
 * Tries again while the database is away for a moment; longer outages are the recovery's.
 * @param delaysMs before each further try, milliseconds
 * @throws what the last try threw; at once, where that is not an outage of the database
 */
export async function insist<T>(
  work: () => Promise<T>,
  delaysMs: readonly number[] = defaultDelaysMs
): Promise<T> {
  for (const delayMs of delaysMs) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'overloaded') throw error
      await delay(delayMs)
    }
  }
  return await work()
}
