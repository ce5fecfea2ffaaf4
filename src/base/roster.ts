/** What a roster writes into its members: where they stand in it; -1: they don't. */
export interface Listed {
  place: number
}

/**
 * Those that are under way, where every call comes and goes; in place of a Set. V8 has a Set's old table point to
 * the one that took its place: one such table that has lived long enough keeps all that ever came after it alive
 * until the next full collection. A member stands on one roster at a time.
 */
export class Roster<T extends Listed> {
  readonly #members: T[] = []

  get size(): number {
    return this.#members.length
  }

  add(member: T): void {
    member.place = this.#members.push(member) - 1
  }

  /** @returns false: it was not there */
  delete(member: T): boolean {
    const { place } = member
    if (this.#members[place] !== member) return false
    const last = this.#members.pop()
    if (last !== undefined && last !== member) {
      last.place = place
      this.#members[place] = last
    }
    member.place = -1
    return true
  }

  /** As they are now, in no order; who comes or goes meanwhile changes nothing of it. */
  filter(isWanted: (member: T) => boolean): T[] {
    return this.#members.filter(isWanted)
  }
}
