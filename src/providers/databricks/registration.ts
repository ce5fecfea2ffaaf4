import type {
  ProviderRegistration,
  Registration,
  RegistrationGuide,
  RegistrationStep
} from '../provider.ts'

/** Where each cloud's accounts are kept; the longest zone that fits a workspace's host tells its cloud. */
const clouds = [
  ['aws', 'AWS', 'https://accounts.cloud.databricks.com', ['.cloud.databricks.com']],
  ['azure', 'Azure', 'https://accounts.azuredatabricks.net', ['.azuredatabricks.net']],
  ['gcp', 'Google Cloud', 'https://accounts.gcp.databricks.com', ['.gcp.databricks.com']],
  ['aws_gov', 'AWS GovCloud', 'https://accounts.cloud.databricks.us', ['.cloud.databricks.us']],
  [
    'azure_gov',
    'Azure Government',
    'https://accounts.databricks.azure.us',
    ['.databricks.azure.us']
  ],
  ['azure_china', 'Azure China', 'https://accounts.databricks.azure.cn', ['.databricks.azure.cn']]
] as const

const consolePath = ['Settings', 'App connections', 'Add connection'] as const
const accessTokenTtlMinutes = 60
const refreshTokenTtlMinutes = 7 * 24 * 60

export const registration: ProviderRegistration = {
  propagationMinutes: 30,
  guides: (wanted) =>
    clouds.map(
      ([cloud, cloudName, consoleUrl]): RegistrationGuide => ({
        cloud,
        cloudName,
        consoleUrl,
        consolePath,
        steps: stepsOf(cloudName, wanted),
        command: commandOf(consoleUrl, wanted)
      })
    ),
  cloudOf(origin) {
    const { hostname } = new URL(origin)
    const found = clouds.find(([, , , zones]) => zones.some((zone) => hostname.endsWith(zone)))
    return found?.[0] ?? null
  }
}

function stepsOf(cloudName: string, wanted: Registration): RegistrationStep[] {
  const { name, redirectUri, scopes } = wanted
  return [
    {
      text: `As a Databricks account admin, open the ${cloudName} account console and go to ${consolePath.join(' › ')}`,
      values: []
    },
    { text: 'Name the connection', values: [name] },
    { text: 'Enter this redirect URL, exactly', values: [redirectUri] },
    { text: 'Allow these scopes', values: [...scopes] },
    { text: 'Tick "Generate a client secret": Weft is a confidential client', values: [] },
    {
      text:
        `Access tokens of ${accessTokenTtlMinutes} minutes do well. People sign in again when the refresh token's ` +
        `time is up: ${refreshTokenTtlMinutes} minutes are 7 days`,
      values: [String(accessTokenTtlMinutes), String(refreshTokenTtlMinutes)]
    },
    { text: 'Save, then paste client ID and client secret into Weft', values: [] }
  ]
}

/** One command for every cloud; the only way where a console has no such page. */
function commandOf(consoleUrl: string, { name, redirectUri, scopes }: Registration): string {
  const body = {
    name,
    redirect_urls: [redirectUri],
    confidential: true,
    scopes,
    token_access_policy: {
      access_token_ttl_in_minutes: accessTokenTtlMinutes,
      refresh_token_ttl_in_minutes: refreshTokenTtlMinutes
    }
  }
  const json = JSON.stringify(body).replaceAll("'", "'\\''")
  return (
    `databricks auth login --host ${consoleUrl} && ` +
    `databricks account custom-app-integration create --json '${json}'`
  )
}
