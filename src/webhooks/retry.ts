const firstMs = 5_000
const longestMs = 60 * 60_000
/** What a receiver may ask for at most: any longer, and nobody would notice that it is well again. */
const askedMaxMs = 6 * 60 * 60_000

/** For so long every try has failed: then a person must look, and nothing is sent until they have. */
export const givenUpAfterMs = 72 * 60 * 60_000

/**
 * When to try again, milliseconds from now: twice as late each time, up to an hour, spread so that receivers that
 * failed together are not all tried together; never sooner than the receiver asked for.
 * @param failures tries in a row that have failed, this one included
 * @param jitter 0 ≤ jitter < 1
 * @param askedMs by `Retry-After`; null: it did not ask
 */
export function retryDelayMs(failures: number, jitter: number, askedMs: number | null): number {
  const backoffMs = Math.min(firstMs * 2 ** Math.min(failures - 1, 20), longestMs)
  return Math.max(backoffMs * (0.5 + jitter / 2), Math.min(askedMs ?? 0, askedMaxMs))
}

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), as milliseconds from now; null: none, or not readable. */
export function retryAfterMs(value: string | undefined, now: Date): number | null {
  if (value === undefined) return null
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime())
}
