/** An action as the inventory lists it. */
export interface Listed {
  /** When it is recorded, as a sentence without its stop. */
  readonly when: string
  /** Kinds of what was acted on. */
  readonly objects: readonly string[]
  readonly outcomes: readonly ('succeeded' | 'refused' | 'failed')[]
  /** Names of the small facts that it may hold. */
  readonly details: readonly string[]
}

/** @param objects one or more kinds, by spaces, and so with what follows */
export function listed(
  when: string,
  objects: string,
  details = '',
  ...outcomes: Listed['outcomes']
): Listed {
  const words = (text: string) => text.split(' ').filter((word) => word !== '')
  return {
    when,
    objects: words(objects),
    details: words(details),
    outcomes: outcomes.length === 0 ? ['succeeded'] : outcomes
  }
}
