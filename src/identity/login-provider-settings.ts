import { AppError, type InputFault } from '../base/errors.ts'
import { entraAuthorityOf, isEntraIssuer, isEntraTenantId, isPublicIssuer } from '../base/issuer.ts'
import type { GroupMappingRow } from '../store/group-mappings.ts'
import type { GroupRole, LoginProviderKind } from './login-providers.ts'
import { isEmailDomain } from './person.ts'

/** What of a login provider its admins decide, in the one spelling that is stored. */
export interface LoginSettings {
  name: string
  kind: LoginProviderKind
  issuer: string
  clientId: string
  isEnabled: boolean
  allowedTenantIds: string[]
  emailDomains: string[]
}

type Given = {
  readonly [K in Exclude<keyof LoginSettings, 'allowedTenantIds' | 'emailDomains'>]?:
    | LoginSettings[K]
    | undefined
} & {
  readonly allowedTenantIds?: readonly string[] | undefined
  readonly emailDomains?: readonly string[] | undefined
}

/**
 * The settings with what is given in place of what was.
 * @throws AppError `invalid_request` with every fault
 */
export function settingsFrom(before: LoginSettings, given: Given): LoginSettings {
  const lower = (texts: readonly string[]) => [...new Set(texts.map((text) => text.toLowerCase()))]
  const settings = {
    name: given.name ?? before.name,
    kind: given.kind ?? before.kind,
    issuer: given.issuer ?? before.issuer,
    clientId: given.clientId ?? before.clientId,
    isEnabled: given.isEnabled ?? before.isEnabled,
    allowedTenantIds: lower(given.allowedTenantIds ?? before.allowedTenantIds),
    emailDomains: lower(given.emailDomains ?? before.emailDomains)
  }
  const faults = [
    ...(settings.kind === 'entra' ? entraFaults(settings) : oidcFaults(settings)),
    ...settings.emailDomains.flatMap((domain, at) =>
      isEmailDomain(domain) ? [] : [fault(`/emailDomains/${at}`, 'is not a domain')]
    )
  ]
  if (faults.length > 0) throw new AppError('invalid_request', { errors: faults })
  return settings
}

function oidcFaults({ issuer, allowedTenantIds, emailDomains }: LoginSettings): InputFault[] {
  const faults: InputFault[] = []
  if (isEntraIssuer(issuer)) faults.push(fault('/kind', 'is entra for an issuer of Entra ID'))
  if (allowedTenantIds.length > 0) {
    faults.push(fault('/allowedTenantIds', 'means something for the kind entra only'))
  }
  if (isPublicIssuer(issuer) && emailDomains.length === 0) {
    faults.push(fault('/emailDomains', 'is required: anyone can get an account at this issuer'))
  }
  return faults
}

function entraFaults({ issuer, allowedTenantIds }: LoginSettings): InputFault[] {
  const authority = entraAuthorityOf(issuer)
  const where = '{tenant id}, common or organizations'
  if (authority === null) {
    const form = `https://login.microsoftonline.com/…/v2.0 with ${where}`
    return [fault('/issuer', `is not of the form ${form}`)]
  }
  const { tenantId } = authority
  const faults = allowedTenantIds.flatMap((id, at) =>
    isEntraTenantId(id)
      ? []
      : [fault(`/allowedTenantIds/${at}`, 'is not the id of an Entra tenant')]
  )
  if (tenantId === null && allowedTenantIds.length === 0) {
    const why = 'is required: this issuer speaks for every Entra tenant'
    faults.push(fault('/allowedTenantIds', why))
  }
  if (tenantId !== null && allowedTenantIds.some((id) => id !== tenantId)) {
    faults.push(fault('/allowedTenantIds', 'names another tenant than the issuer'))
  }
  return faults
}

function fault(pointer: string, message: string): InputFault {
  return { pointer, message }
}

export type MappingFacts = Pick<GroupMappingRow, 'groupId' | 'teamId' | 'role'>

/** @throws AppError `invalid_request` with every fault */
export function mappingsOf(roles: readonly GroupRole[]): MappingFacts[] {
  const faults: InputFault[] = []
  const seen = new Set<string>()
  const mappings = roles.map(({ groupId, teamId = null, role }, at): MappingFacts => {
    const target = JSON.stringify([groupId, teamId])
    if (seen.has(target)) faults.push(fault(`/groupMappings/${at}`, 'stands here twice'))
    seen.add(target)
    if (teamId === null && role !== 'tenant_admin') {
      faults.push(fault(`/groupMappings/${at}/role`, 'is tenant_admin where there is no teamId'))
    }
    if (teamId !== null && role === 'tenant_admin') {
      faults.push(fault(`/groupMappings/${at}/role`, 'is admin or member in a team'))
    }
    return { groupId, teamId, role: role ?? 'member' }
  })
  if (faults.length > 0) throw new AppError('invalid_request', { errors: faults })
  return mappings
}

export function isSameMapping(one: MappingFacts, other: MappingFacts): boolean {
  return one.groupId === other.groupId && one.teamId === other.teamId && one.role === other.role
}
