/**
 * Where workspaces live, cloud by cloud. Hosts that serve users' own content (`databricksapps.com`) are
 * no workspaces and must never be listed: a token sent there would be theirs.
 */
export const zones: readonly string[] = [
  '.cloud.databricks.com', // AWS
  '.cloud.databricks.us', // AWS GovCloud
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
