export const dayMs = 86_400_000

/** The moment that many days from now. */
export function inDays(days: number): string {
  return new Date(Date.now() + days * dayMs).toISOString()
}

/** The last moment of a day that was picked, here; undefined where none was. */
export function endOfDay(day: string): string | undefined {
  return day === '' ? undefined : new Date(`${day}T23:59:59`).toISOString()
}
