import { matching, Refusal } from './refusal.ts'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof logLevels)[number]

const label = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const domain = `(?=.{1,253}$)${label}(\\.${label})*`
const mailbox = "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
export const parsePlain = matching(
  /^(?!\s)[^\p{Cc}]+(?<!\s)$/u,
  'has white space around it or control characters in it'
)
export const parseEmail = matching(
  new RegExp(`^${mailbox}@${domain}$`),
  'is not one plain email address'
)
const checkDomain = matching(new RegExp(`^${domain}$`), 'is not a domain name')
export const parseDomain = (text: string) => checkDomain(text).toLowerCase()
export const parseSlug = matching(
  /^(?!.*--)[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
  'must be 1 to 40 of a-z, 0-9 and single hyphens, start with a letter, not end with a hyphen'
)

export function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text)
  if (level === undefined) throw new Refusal(`must be one of ${logLevels.join(', ')}`)
  return level
}
