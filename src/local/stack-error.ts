/** A fault of the local stack, in words for the person who started it. */
export class StackError extends Error {
  override readonly name = 'StackError'
}
