/** What can be read out of a pasted address; the API has the last word about it. */
export interface Understood {
  readonly host: string
  readonly cloud: string | null
  readonly workspaceId: string | null
  readonly compute: { readonly kind: 'warehouse' | 'cluster'; readonly id: string } | null
}

const jdbc = /^jdbc:(databricks|spark|hive2):\/\//i
const secretProperty = /;\s*(UID|PWD|Auth_AccessToken|OAuth2Secret)\s*=[^;]*/gi
const warehousePath = /^\/?sql\/1\.0\/(?:warehouses|endpoints)\/([A-Za-z0-9]+)\/?$/
const clusterPath = /^\/?sql\/protocolv1\/o\/(\d+)\/([A-Za-z0-9-]+)\/?$/
const idInHost = /^adb-(\d+)\.|^(\d+)\.\d+\.gcp\./

const clouds: readonly [ending: string, name: string][] = [
  ['.azuredatabricks.net', 'Azure'],
  ['.databricks.azure.us', 'Azure Government'],
  ['.databricks.azure.cn', 'Azure China'],
  ['.gcp.databricks.com', 'Google Cloud'],
  ['.cloud.databricks.com', 'AWS']
]

export const isJdbc = (text: string): boolean => jdbc.test(text.trim())

/** A JDBC string without what is secret in it; Weft has no use for that. */
export function withoutCredentials(text: string): string {
  return isJdbc(text) ? text.replaceAll(secretProperty, '') : text
}

export function understand(text: string): Understood | null {
  const trimmed = text.trim()
  const [address = '', ...properties] = isJdbc(trimmed)
    ? trimmed.replace(jdbc, 'https://').split(';')
    : [/^[a-z]+:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`]
  const url = URL.parse(address)
  if (url === null || !/[.:]/.test(url.host)) return null
  const named = properties.map((one) => /^\s*httpPath\s*=\s*(.*)$/i.exec(one)?.[1]).find(Boolean)
  const path = (isJdbc(trimmed) ? named : url.pathname)?.split('?')[0]?.trim() ?? ''
  const warehouse = warehousePath.exec(path)?.[1]
  const [, pathWorkspace, cluster] = clusterPath.exec(path) ?? []
  const [, azureId, googleId] = idInHost.exec(url.hostname) ?? []
  return {
    host: url.host,
    cloud: clouds.find(([ending]) => url.hostname.endsWith(ending))?.[1] ?? null,
    workspaceId: url.searchParams.get('o') ?? pathWorkspace ?? azureId ?? googleId ?? null,
    compute: warehouse
      ? { kind: 'warehouse', id: warehouse }
      : cluster
        ? { kind: 'cluster', id: cluster }
        : null
  }
}
