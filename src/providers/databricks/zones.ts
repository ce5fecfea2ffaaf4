/**
 * Where workspaces live, cloud by cloud. Hosts that serve users' own content (`databricksapps.com`) are
 * no workspaces and must never be listed: a token sent there would be theirs.
 */
export const zones: readonly string[] = [
  '.cloud.databricks.com', // AWS
  '.cloud.databricks.us', // AWS GovCloud
  '.cloud.databricks.mil', // AWS GovCloud of the DoD
  '.azuredatabricks.net', // Azure
  '.databricks.azure.us', // Azure Government
  '.databricks.azure.cn', // Azure China
  '.gcp.databricks.com', // GCP
  '.databricks.com', // unified hosts, one for several workspaces
  '.databricks.net'
]

/** Where route-optimized serving endpoints are asked, inside the zones above. */
export const servingZones: readonly string[] = [
  '.serving.cloud.databricks.com',
  '.serving.azuredatabricks.net',
  '.serving.gcp.databricks.com'
]

/**
 * The provider's own names beside the unified hosts `{org}.databricks.com`: consoles, and sites that
 * others run for it. None is a workspace, and a secret sent there would be theirs.
 */
export const siteNames: ReadonlySet<string> = new Set([
  'academy',
  'community',
  'customer-academy',
  'docs',
  'events',
  'go',
  'help',
  'info',
  'kb',
  'login',
  'marketplace',
  'partners',
  'status',
  'support',
  'www'
])
