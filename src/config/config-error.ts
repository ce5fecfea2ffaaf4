export interface ConfigFault {
  readonly variable: string
  readonly message: string
}

/** Every fault of an environment at once; names variables, never values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(`the configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}`)
    this.faults = faults
  }
}

/** A text for the operator: one line per fault. */
export function describeFaults(error: ConfigError): string {
  const lines = error.faults.map(({ variable, message }) => `  ${variable}: ${message}`)
  return [`Weft does not start: ${error.message}.`, ...lines].join('\n')
}
