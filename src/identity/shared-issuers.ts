/** What a federated identity asks of an assertion, as far as it says whose it is. */
export interface Conditions {
  readonly subject: string | null
  readonly claims: Readonly<Record<string, string>>
}

/** One of these patterns must name an owner: anybody can get a token of the issuer, with any audience. */
interface SharedIssuer {
  readonly issuer: RegExp
  readonly subject: RegExp
  readonly claims: Readonly<Record<string, RegExp>>
  readonly example: string
}

const exact = /^[^*]+$/
/** `owner/…`, the owner spelt out. */
const owned = /^[^*/]+\//

const sharedIssuers: readonly SharedIssuer[] = [
  {
    issuer: /^https:\/\/token\.actions\.githubusercontent\.com\/?$/,
    subject: /^repo(sitory_owner)?:[^*/:]+[/:]/,
    claims: {
      repository: owned,
      repository_id: exact,
      repository_owner: exact,
      repository_owner_id: exact,
      job_workflow_ref: owned
    },
    example: 'a subject such as repo:your-organisation/your-repository:*'
  },
  {
    issuer: /^https:\/\/gitlab\.com\/?$/,
    subject: /^project_path:[^*/:]+\//,
    claims: { project_path: owned, project_id: exact, namespace_path: exact, namespace_id: exact },
    example: 'a subject such as project_path:your-group/your-project:*'
  },
  {
    issuer: /^https:\/\/accounts\.google\.com\/?$/,
    subject: exact,
    claims: { email: exact },
    example: 'the exact subject or email of a Google service account'
  },
  {
    issuer: /^https:\/\/app\.terraform\.io\/?$/,
    subject: /^organization:[^*/:]+:/,
    claims: { terraform_organization_id: exact, terraform_organization_name: exact },
    example: 'a subject such as organization:your-organisation:project:*'
  }
]

/** What is missing where a federated identity would believe strangers; null: nothing. */
export function strangersLetIn(issuer: string, { subject, claims }: Conditions): string | null {
  const shared = sharedIssuers.find((one) => one.issuer.test(issuer))
  if (shared === undefined || (subject !== null && shared.subject.test(subject))) return null
  const isNamed = Object.entries(claims).some(([name, pattern]) =>
    Object.hasOwn(shared.claims, name) ? shared.claims[name]?.test(pattern) : false
  )
  return isNamed
    ? null
    : `must name whose: anybody gets tokens of this issuer; give ${shared.example}`
}
