import { type Operation, operations } from '../../src/base/operations.ts'
import type { RouteFact } from '../../src/http/route.ts'
import { operationsOfToken } from '../../src/identity/personal-token-scope.ts'
import { type Role, roleTable } from '../../src/identity/roles.ts'

const columns: readonly [role: Role | 'token', title: string][] = [
  ['tenant_admin', 'tenant admin'],
  ['team_admin', 'team admin'],
  ['member', 'member'],
  ['token', 'their token'],
  ['service_account', 'service account'],
  ['scim_token', 'SCIM token']
]

const opening = `# Who may do what

Printed from [src/identity/roles.ts](../src/identity/roles.ts) and the routes by \`npm run openapi\`. It is the one table, read
in one place; what does not stand here, nobody may. \`–\` in every column: it asks for no caller.

A team admin is one in the teams that they administer and a member in their others; everybody administers their own
personal team. Without a place in a thing's team a person does not see it, and is answered as if it were not there. A
service account reaches the fabrics that are listed for it, and nothing else. A SCIM token
is the tenant's identity provider. Their token is a person's personal access token: \`yes\` where it may do what its person
may, by the widest scope ([people.md](people.md#personal-access-tokens)).
`

/** A personal access token, of the widest scope that there is, reaches what its person does or less. */
const ofToken = operationsOfToken({ fabrics: null, access: 'query' })

function isAllowed(role: Role | 'token', operation: Operation): boolean {
  return role === 'token' ? ofToken.has(operation) : roleTable[operation].includes(role)
}

/** The role table as it is committed, with the routes that each operation is asked by. */
export function authorizationText(routes: readonly RouteFact[]): string {
  const rows = operations.map((operation) => {
    const cells = columns.map(([role]) => (isAllowed(role, operation) ? 'yes' : '–'))
    const asked = routes.filter((route) => route.operation === operation && !route.isOnFabricHost)
    const urls = new Set(asked.map(({ method, url }) => `\`${method} ${url}\``))
    return `| \`${operation}\` | ${cells.join(' | ')} | ${[...urls].join('<br>')} |`
  })
  const titles = columns.map(([, title]) => title)
  const head = `| operation | ${titles.join(' | ')} | asked by |`
  const line = `|---|${columns.map(() => '---|').join('')}---|`
  return [opening, head, line, ...rows, ''].join('\n')
}
