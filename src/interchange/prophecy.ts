import { AppError, type InputFault } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import type { FabricSettings, ImportedSettings, Notice } from './interchange.ts'

/**
 * The fabrics that the Prophecy Build Tool deploys to, as its `FabricInfo` describes them; what else its files
 * hold is read over and told.
 * @see https://github.com/SimpleDataLabsInc/prophecy-build-tool `src/pbt/utils/project_config.py`
 */
export interface ProphecyDocument {
  readonly fabrics: readonly ProphecyFabric[]
  readonly [other: string]: unknown
}

export interface ProphecyFabric {
  readonly id?: string | number | null
  readonly name?: string | null
  /** 'Spark' | 'Sql' | 'Airflow' */
  readonly type?: string | null
  readonly provider?: string | null
  readonly databricks?: DatabricksBlock | null
  readonly [other: string]: unknown
}

interface DatabricksBlock {
  readonly url: string
  readonly token?: string | null
  readonly auth_type?: string | null
  readonly oauth_credentials?: { readonly client_id: string; readonly client_secret: string } | null
  readonly [other: string]: unknown
}

interface Source {
  readonly value: ProphecyDocument
  /** Of the one fabric that the whole file may be: ''. */
  readonly pointerOfFabric: (index: number) => string
  /** Whose the fabrics become: such a file knows no teams. */
  readonly team: string
}

/** @throws AppError `invalid_request`: a value is left to an environment variable */
export function settingsOfProphecy({ value, pointerOfFabric, team }: Source): ImportedSettings {
  const notices: Notice[] = others(value, ['fabrics']).map((member) => ({
    pointer: `/${member}`,
    message: 'is not of a fabric, and not imported'
  }))
  const faults: InputFault[] = []
  const sources: string[] = []
  const fabrics = value.fabrics.flatMap((fabric, index) => {
    const pointer = pointerOfFabric(index)
    const read = readFabric(fabric, pointer, team)
    notices.push(...read.notices)
    faults.push(...read.faults)
    if (read.settings === null) return []
    sources.push(pointer)
    return [read.settings]
  })
  if (faults.length > 0) throw new AppError('invalid_request', { errors: faults })
  return {
    format: 'prophecy',
    document: { weft: 1, fabrics },
    notices,
    pointerOf(pointer) {
      const [, index = '', member = ''] = /^\/fabrics\/(\d+)(.*)$/.exec(pointer) ?? []
      return (sources[Number(index)] ?? '') + (called[member] ?? member)
    }
  }
}

/** Where in a Prophecy fabric a setting comes from. */
const called: Readonly<Record<string, string>> = {
  '/kind': '/type',
  '/team': '',
  '/workspaceUrl': '/databricks/url',
  '/authMethod': '/databricks/auth_type',
  '/servicePrincipal': '/databricks/oauth_credentials',
  '/servicePrincipal/clientId': '/databricks/oauth_credentials/client_id',
  '/servicePrincipal/clientSecret': '/databricks/oauth_credentials/client_secret'
}

interface Read {
  readonly settings: FabricSettings | null
  readonly notices: readonly Notice[]
  readonly faults: readonly InputFault[]
}

function readFabric(fabric: ProphecyFabric, pointer: string, team: string): Read {
  const { databricks, type, provider } = fabric
  const isOther = provider !== undefined && provider !== null && provider !== 'Databricks'
  const kind = kinds[(type ?? 'Spark').toLowerCase()]
  if (!databricks || isOther || kind === undefined) {
    const message = 'is no Spark or SQL fabric of Databricks, and not imported'
    return { settings: null, notices: [{ pointer, message }], faults: [] }
  }
  const { url, token, auth_type: authType, oauth_credentials: credentials } = databricks
  const notices: Notice[] = []
  const note = (member: string, message: string) =>
    notices.push({ pointer: `${pointer}${member}`, message })
  for (const member of others(fabric, ['id', 'name', 'type', 'provider', 'databricks'])) {
    note(`/${member}`, 'has no place in a fabric, and is not imported')
  }
  if (fabric.id !== undefined) note('/id', 'is not kept: a fabric here has an id of its own')
  for (const member of others(databricks, ['url', 'token', 'auth_type', 'oauth_credentials'])) {
    note(`/databricks/${member}`, 'has no place in a fabric, and is not imported')
  }
  if (token) {
    note('/databricks/token', 'a person’s token is not imported: people sign in as themselves')
  }
  const authMethod = authMethodOf(databricks)
  if (authType && authMethods[authType.toLowerCase()] === undefined) {
    note('/databricks/auth_type', `is not known; read as ${authMethod}`)
  }
  const placeholders = [
    ['/databricks/url', url],
    ['/databricks/oauth_credentials/client_id', credentials?.client_id],
    ['/databricks/oauth_credentials/client_secret', credentials?.client_secret]
  ].filter(([, text]) => text !== undefined && /{{\w+}}/.test(text))
  const faults = placeholders.map(([member]) => ({
    pointer: `${pointer}${member}`,
    message: 'names an environment variable: put its value here'
  }))
  const settings: FabricSettings = {
    name: fabric.name || `Fabric ${fabric.id ?? pointer}`,
    team,
    kind,
    workspaceUrl: url,
    authMethod,
    ...(credentials && {
      servicePrincipal: {
        clientId: credentials.client_id,
        clientSecret: new Secret(credentials.client_secret)
      }
    })
  }
  return { settings, notices, faults }
}

const kinds: Readonly<Record<string, 'spark' | 'sql'>> = { spark: 'spark', sql: 'sql' }

const authMethods: Readonly<Record<string, 'oauth' | 'pat'>> = {
  oauth: 'oauth',
  pat: 'pat',
  token: 'pat'
}

/** As it says, else as what it brings: a token alone is a person's. */
function authMethodOf({ auth_type: type, oauth_credentials: credentials, token }: DatabricksBlock) {
  const said = authMethods[(type ?? '').toLowerCase()]
  return said ?? (token && !credentials ? 'pat' : 'oauth')
}

function others(value: object, known: readonly string[]): string[] {
  const isGiven = ([, member]: [string, unknown]) => member !== null && member !== undefined
  return Object.entries(value)
    .filter(isGiven)
    .map(([name]) => name)
    .filter((name) => !known.includes(name))
}
