import { parseWebUrl } from './addresses.ts'
import { parseList, Refusal, refuseWhere } from './refusal.ts'

export const kmsServices = ['aws-kms', 'azure-key-vault', 'gcp-kms', 'vault-transit'] as const

/** One key of a key management service. */
export interface KmsKeyName {
  readonly service: (typeof kmsServices)[number]
  /** As the service names it. */
  readonly name: string
}

const segment = '[A-Za-z0-9_.-]+'
const shapes: Readonly<Record<KmsKeyName['service'], RegExp>> = {
  'aws-kms': /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/,
  'azure-key-vault': /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+){2,}\/keys\/[A-Za-z0-9-]{1,127}$/,
  'gcp-kms': new RegExp(
    `^projects/${segment}/locations/${segment}/keyRings/${segment}/cryptoKeys/${segment}$`
  ),
  'vault-transit': new RegExp(`^https?://[^/]+(/${segment})+/keys/${segment}$`)
}

/** Entries `service:name`, newest first, by comma. */
export function parseKms(text: string): KmsKeyName[] {
  const keys = parseList(text, parseKey)
  const names = new Set(keys.map(({ service, name }) => `${service}:${name}`))
  refuseWhere({ 'names one key twice': names.size < keys.length })
  return keys
}

function parseKey(entry: string): KmsKeyName {
  const [, prefix = '', name = ''] = /^([a-z-]+):(.*)$/.exec(entry) ?? []
  const service = kmsServices.find((known) => known === prefix)
  if (service === undefined) throw new Refusal(`does not begin with ${kmsServices.join(': or ')}:`)
  refuseWhere({
    [`is not the name of one ${service} key (see .env.example)`]: !shapes[service].test(name)
  })
  if (service === 'vault-transit') parseWebUrl(name)
  return { service, name }
}

/** Who Weft is at Entra ID, as AKS's workload identity says it. */
export interface AzureIdentity {
  readonly tenantId: string
  readonly clientId: string
  /** Of a token of the cluster's, read for each exchange. */
  readonly tokenFile: string
  /** Origin. */
  readonly authorityHost: string
}
