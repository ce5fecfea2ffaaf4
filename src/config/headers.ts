import { ConfigError } from './config-error.ts'

const variable = 'WEFT_OTLP_LOGS_HEADERS_FILE'
const line = /^([A-Za-z0-9-]{1,64}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/

/**
 * Headers as `name: value`, one to a line.
 * @throws ConfigError that names the line and no value
 */
export function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {}
  const lines = text.split(/\r?\n/)
  lines.forEach((written, index) => {
    if (written.trim() === '') return
    const [, name, value] = line.exec(written.trim()) ?? []
    if (name === undefined || value === undefined) {
      throw new ConfigError([{ variable, message: `line ${index + 1} is not "name: value"` }])
    }
    headers[name.toLowerCase()] = value
  })
  return headers
}
