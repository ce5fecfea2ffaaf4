import { eventsOfFabrics } from './fabrics.ts'
import type { Listed } from './listed.ts'
import { eventsOfPeople } from './people.ts'
import { eventsOfPlatform } from './platform.ts'
import { eventsOfServices } from './services.ts'
import { eventsOfWebhooks } from './webhooks.ts'

/** Every event that there is, printed into docs/audit.md; what does not stand here cannot be recorded. */
export const auditInventory = {
  ...eventsOfPeople,
  ...eventsOfServices,
  ...eventsOfFabrics,
  ...eventsOfPlatform,
  ...eventsOfWebhooks
} as const satisfies Readonly<Record<string, Listed>>

export type AuditAction = keyof typeof auditInventory
