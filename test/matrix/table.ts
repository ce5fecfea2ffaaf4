import type { Entries } from './entry.ts'
import { appConnectionEntries } from './routes/app-connections.ts'
import { dataPlaneEntries } from './routes/data-plane.ts'
import { fabricEntries } from './routes/fabrics.ts'
import { loginEntries } from './routes/login.ts'
import { peopleEntries } from './routes/people.ts'
import { platformEntries } from './routes/platform.ts'
import { scimEntries } from './routes/scim.ts'
import { serviceEntries } from './routes/services.ts'
import { webhookEntries } from './routes/webhooks.ts'

/** Every route, a file for each room. */
export const table: Entries = {
  ...appConnectionEntries,
  ...dataPlaneEntries,
  ...fabricEntries,
  ...loginEntries,
  ...peopleEntries,
  ...platformEntries,
  ...scimEntries,
  ...serviceEntries,
  ...webhookEntries
}
