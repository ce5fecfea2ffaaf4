import type { Entries, Entry } from '../entry.ts'

/** Nobody of the cast has signed in at the workspace; a service account needs no sign-in. */
const query: Entry = {
  kinds: { fabricId: 'listedFabric' },
  params: { '*': 'serving-endpoints/probe/invocations' },
  body: () => ({ inputs: [1] }),
  allowed: ({ role }) => (role === 'service_account' ? 200 : 409)
}
/** Nothing that is served. */
const closed: Entry = {
  kinds: { fabricId: 'listedFabric' },
  params: { '*': 'serving-endpoints/probe/invocations' },
  allowed: 404
}

export const dataPlaneEntries: Entries = Object.fromEntries(
  ['/fabrics/:fabricId/*', '{fabric host}/*'].flatMap((url) => [
    [`POST ${url}`, query],
    ...['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method): [string, Entry] => [
      `${method} ${url}`,
      closed
    ])
  ])
)
