const inspectCustom = Symbol.for('nodejs.util.inspect.custom')

/**
 * A secret in memory. It prints as `[secret]` through `console.log`, `util.inspect`, `JSON.stringify`,
 * template strings and loggers; only `crypto/`, `oauth/` and `outbound/` may call `reveal()`.
 */
export class Secret<T extends string | Uint8Array = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The value in clear. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.toPrimitive](): string {
    return '[secret]'
  }

  [inspectCustom](): string {
    return '[secret]'
  }
}
