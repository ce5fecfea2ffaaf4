import type { Schemas } from '../../generated/operations.ts'

export const platforms = [
  { value: 'kubernetes', label: 'Kubernetes' },
  { value: 'github', label: 'GitHub Actions' },
  { value: 'entra', label: 'Entra' },
  { value: 'other', label: 'Other' }
] as const
export type Platform = (typeof platforms)[number]['value']

interface Preset {
  readonly words: string
  readonly issuer: string
  readonly issuerLike: string
  readonly subjectLike: string
  readonly claimsLike: string
}

/** What tokens of the usual platforms look like. */
export const presets: Readonly<Record<Platform, Preset>> = {
  kubernetes: {
    words:
      'A pod, by a projected token of its service account. The issuer is what kubectl get --raw /.well-known/openid-configuration names.',
    issuer: '',
    issuerLike: 'https://oidc.eks.eu-west-1.amazonaws.com/id/…',
    subjectLike: 'system:serviceaccount:etl:loader',
    claimsLike: '/kubernetes.io/namespace = etl'
  },
  github: {
    words:
      'A workflow with the permission id-token: write. The subject names repository and branch.',
    issuer: 'https://token.actions.githubusercontent.com',
    issuerLike: 'https://token.actions.githubusercontent.com',
    subjectLike: 'repo:acme/lake:ref:refs/heads/main',
    claimsLike: 'workflow = deploy'
  },
  entra: {
    words:
      'A managed identity at Azure. Register an application for Weft; its ID URI is the audience, and the subject is the object id of the managed identity.',
    issuer: '',
    issuerLike: 'https://sts.windows.net/{directory id}/',
    subjectLike: 'Object id of the managed identity',
    claimsLike: ''
  },
  other: {
    words: 'Any OpenID Connect issuer whose tokens the service gets.',
    issuer: '',
    issuerLike: 'https://issuer.example.com',
    subjectLike: 'The sub of its tokens',
    claimsLike: 'claim = pattern'
  }
}

export function claimsText(claims: Readonly<Record<string, string>>): string {
  return Object.entries(claims)
    .map(([claim, pattern]) => `${claim} = ${pattern}`)
    .join('\n')
}

/** Patterns by claim; null: a line is no condition. */
export function claimsIn(text: string): Record<string, string> | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const parts = lines.map((line) => /^\s*(.+?)\s*=\s*(.+?)\s*$/.exec(line))
  if (parts.some((part) => part === null)) return null
  return Object.fromEntries(parts.map((part) => [part?.[1] ?? '', part?.[2] ?? '']))
}

/** The key set that was pasted, undefined where none was; null: it is none. */
export function keysIn(text: string): Schemas['PublicKeys'] | undefined | null {
  if (text.trim() === '') return undefined
  try {
    const given: unknown = JSON.parse(text)
    const hasKeys = typeof given === 'object' && given !== null && 'keys' in given
    return hasKeys ? (given as Schemas['PublicKeys']) : null // the API checks each key
  } catch {
    return null
  }
}
