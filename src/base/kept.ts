/**
 * What is made once, when it is first wanted, and kept; callers at the same moment share the making. Where that
 * failed all of them hear why, and the next one has it made again: whoever was away may be back.
 */
export function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    if (made !== null) return made
    made = make()
    made.catch(() => {
      made = null
    })
    return made
  }
}
