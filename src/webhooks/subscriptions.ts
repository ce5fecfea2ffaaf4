import { auditActions } from '../audit/audit.ts'
import type { InputFault } from '../base/errors.ts'
import type { WantedActions } from '../store/audit-streams.ts'

/** The whole record. */
const everything = 'audit.*'
const families = new Set(auditActions.map((action) => `${action.split('.')[0]}.*`))
const names = new Set<string>(auditActions)

/** Names that no event has, each at its place in the list. */
export function subscriptionFaults(events: readonly string[]): InputFault[] {
  return events.flatMap((name, index) => {
    if (name === everything || names.has(name) || families.has(name)) return []
    return [{ pointer: `/events/${index}`, message: 'no event has this name' }]
  })
}

/** What these names stand for in the record. */
export function wantedActions(events: readonly string[]): WantedActions {
  if (events.includes(everything)) return null
  return {
    names: events.filter((name) => !name.endsWith('.*')),
    prefixes: events.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -1))
  }
}
