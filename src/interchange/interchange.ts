/**
 * Owns: a tenant's app connections and fabrics as one document without secrets – read out, and put back.
 * Touches: app-connections and fabrics through their interfaces, within one transaction; audit, store's teams.
 * Never: a secret in what it writes or tells; a part of a document without the rest of it.
 */
import type { AppConnectionPatch, AppConnectionView } from '../app-connections/app-connections.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { FabricView } from '../fabrics/fabrics.ts'

/** Of one app connection. What is absent stays as it is; lists and objects are replaced as a whole. */
export interface AppConnectionSettings
  extends Omit<AppConnectionPatch, 'version' | 'clientSecret'> {
  readonly name: string
  readonly provider?: 'databricks' | undefined
}

/** Of one fabric, likewise. */
export interface FabricSettings {
  readonly name: string
  /** Its name, or its id where another team is called the same. */
  readonly team?: string | undefined
  readonly description?: string | undefined
  readonly kind?: FabricView['kind'] | undefined
  readonly provider?: 'databricks' | undefined
  readonly workspaceUrl?: string | undefined
  readonly authMethod?: FabricView['authMethod'] | undefined
  /** By name; null: the provider's default. */
  readonly appConnection?: string | null | undefined
  readonly servicePrincipal?: PrincipalSettings | null | undefined
  readonly servicePrincipalUse?: FabricView['servicePrincipalUse'] | undefined
  readonly compute?: FabricView['compute'] | undefined
  readonly endpointAllowList?: readonly string[] | null | undefined
  readonly deadlines?: FabricView['deadlines'] | undefined
  readonly jobSizes?: FabricView['jobSizes'] | undefined
  readonly production?: boolean | undefined
  readonly status?: FabricView['status'] | undefined
}

export interface PrincipalSettings {
  readonly clientId: string
  /** It proves itself without a secret; a document says nothing of the secret of one that has any. */
  readonly federated?: true | undefined
  readonly clientSecret?: Secret | undefined
}

export interface SettingsDocument {
  readonly weft: 1
  readonly appConnections?: readonly AppConnectionSettings[] | undefined
  readonly fabrics?: readonly FabricSettings[] | undefined
}

/** What an export says of everything: nothing is left out. */
export interface ExportedSettings {
  readonly weft: 1
  readonly appConnections: readonly Required<AppConnectionSettings>[]
  readonly fabrics: readonly Required<FabricSettings>[]
}

/** A document that is to be put in place, with how its members are called where it came from. */
export interface ImportedSettings {
  readonly format: 'weft' | 'prophecy'
  readonly document: SettingsDocument
  /** What was read and is not taken over. */
  readonly notices: readonly Notice[]
  /** JSON pointer (RFC 6901) into what was given, for one into `document`. */
  readonly pointerOf: (pointer: string) => string
}

export interface Notice {
  readonly pointer: string
  readonly message: string
}

export interface ImportOptions {
  /** Tells what would come of it, and does nothing. */
  readonly isDryRun: boolean
  /** Deletes what the document does not name, but for app connections in use. */
  readonly prunes: boolean
}

export interface SettingChange {
  readonly member: string
  readonly from: unknown
  readonly to: unknown
}

/** What no document can do. */
export interface ToDo {
  readonly code:
    | 'client_secret_to_set'
    | 'redirect_uri_to_register'
    | 'service_principal_secret_to_set'
    | 'to_complete'
  readonly message: string
}

export interface ImportedResource {
  readonly kind: 'app_connection' | 'fabric'
  readonly name: string
  /** Null: it would be made, and has none yet. */
  readonly id: AppConnectionView['id'] | FabricView['id'] | null
  /** `keep`: the document does not name it, and it may not be deleted. */
  readonly action: 'create' | 'update' | 'unchanged' | 'delete' | 'keep'
  readonly changes: readonly SettingChange[]
  readonly toDo: readonly ToDo[]
}

export interface ImportResult {
  readonly isDryRun: boolean
  readonly format: 'weft' | 'prophecy'
  readonly counts: Readonly<Record<ImportedResource['action'], number>>
  readonly resources: readonly ImportedResource[]
  readonly notices: readonly Notice[]
}

export interface Interchange {
  export(scope: TenantScope): Promise<ExportedSettings>
  /**
   * All or nothing, in one transaction; of two at once the second sees what the first did.
   * @throws AppError `invalid_request` with every fault of the document; `version_conflict`
   */
  import(
    scope: TenantScope,
    settings: ImportedSettings,
    options: ImportOptions
  ): Promise<ImportResult>
}
