import { readJson } from './envelope.ts'

export const hostConfigPath = '/.well-known/databricks-config'

const defaultRoot = '/oidc'
const suffixes = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration'
] as const

/** The root that the host names, if it is on the host itself, and then the one that every workspace has. */
export function metadataPaths(origin: string, hostConfig: string | null): readonly string[] {
  const named = hostConfig === null ? null : rootOf(origin, hostConfig)
  const roots = named === null || named === defaultRoot ? [defaultRoot] : [named, defaultRoot]
  return roots.flatMap((root) => suffixes.map((suffix) => root + suffix))
}

function rootOf(origin: string, hostConfig: string): string | null {
  const config = readJson(hostConfig)
  const endpoint = config?.oidc_endpoint
  if (config === null || typeof endpoint !== 'string') return null
  const accountId = config.account_id
  const text = endpoint.replace('{account_id}', typeof accountId === 'string' ? accountId : '{')
  const url = URL.parse(text)
  if (url === null || url.origin !== origin || url.search !== '' || url.hash !== '') return null
  const root = url.pathname.replace(/\/+$/, '')
  return /^(\/[A-Za-z0-9._-]+)+$/.test(root) ? root : null
}
