import type { StackSummary } from './stack-file.ts'

/** What a person reads once everything runs. */
export function announcement(summary: StackSummary): string {
  const fabric = summary.fabrics[0]
  const people = summary.people.map(({ email, role }) => `    ${email.padEnd(20)} ${role}`)
  const fabrics = summary.fabrics.map(({ id, name, kind }) => `    ${id}  ${name} (${kind})`)
  return `
Weft runs. Log in at ${summary.weft} as (no password is asked for):
${people.join('\n')}

  Weft                ${summary.weft}
  Metrics             ${summary.admin}/metrics
  Workspaces          ${summary.workspaces.join('  ')}
  Identity provider   ${summary.identityProvider}
  Fabrics of tenant ${summary.tenant}
${fabrics.join('\n')}

Query a serving endpoint through a fabric, as its service principal:

curl -sS ${summary.weft}/fabrics/${fabric?.id}/serving-endpoints/${summary.endpoint}/invocations \\
  -H 'authorization: Bearer ${summary.serviceKey}' \\
  -H 'content-type: application/json' \\
  -d '{"messages":[{"role":"user","content":"Hello"}]}'

The same fabric as a host of its own, for Databricks SDKs (client id ${summary.serviceAccountId},
client secret: the key above):

    ${summary.fabricHost}

Ctrl-C stops everything; the data stays for the next start.
`
}
