import { randomFillSync } from 'node:crypto'
import { ulid } from 'ulid'
import type { Clock } from './clock.ts'

declare const brand: unique symbol
type Id<Prefix extends string> = string & { readonly [brand]: Prefix }

/** Prefix of each kind of id, the part before the underscore. */
export const idPrefixes = {
  tenant: 'ten',
  user: 'usr',
  team: 'team',
  invitation: 'inv',
  scimToken: 'sct',
  scimUser: 'scu',
  session: 'ses',
  loginProvider: 'lgp',
  loginAttempt: 'lga',
  groupMapping: 'grm',
  appConnection: 'apc',
  clientSecret: 'sec',
  fabric: 'fab',
  signInAttempt: 'sia',
  grant: 'grt',
  refreshEntry: 'rfj',
  serviceAccount: 'sva',
  key: 'key',
  personalToken: 'pat',
  delegation: 'dlg',
  deployment: 'dep',
  dataKey: 'dek',
  federatedIdentity: 'fid',
  signingKey: 'sgk',
  token: 'tok',
  webhook: 'whk',
  webhookSecret: 'whs',
  delivery: 'dlv',
  incident: 'inc',
  auditEvent: 'aud'
} as const

export type IdKind = keyof typeof idPrefixes
export type IdOf<K extends IdKind> = Id<(typeof idPrefixes)[K]>
export type TenantId = IdOf<'tenant'>
export type UserId = IdOf<'user'>
export type TeamId = IdOf<'team'>
export type InvitationId = IdOf<'invitation'>
export type ScimTokenId = IdOf<'scimToken'>
export type ScimUserId = IdOf<'scimUser'>
export type SessionId = IdOf<'session'>
export type LoginProviderId = IdOf<'loginProvider'>
export type AppConnectionId = IdOf<'appConnection'>
export type IncidentId = IdOf<'incident'>
export type FabricId = IdOf<'fabric'>
export type SignInAttemptId = IdOf<'signInAttempt'>
export type GrantId = IdOf<'grant'>
export type ServiceAccountId = IdOf<'serviceAccount'>
export type KeyId = IdOf<'key'>
export type DelegationId = IdOf<'delegation'>
export type DeploymentId = IdOf<'deployment'>
export type PersonalTokenId = IdOf<'personalToken'>
export type WebhookId = IdOf<'webhook'>
export type AuditEventId = IdOf<'auditEvent'>
export type FederatedIdentityId = IdOf<'federatedIdentity'>
/** What a caller other than a browser shows, or showed for the token that it comes with. */
export type CredentialId = KeyId | FederatedIdentityId | PersonalTokenId

/** A fresh id: prefix, underscore, 26 characters that sort by time and hold 80 random bits (ULID). */
export function newId<K extends IdKind>(kind: K, clock: Clock): IdOf<K> {
  return asId(kind, `${idPrefixes[kind]}_${ulid(clock.now().getTime(), draw).toLowerCase()}`)
}

const drawn = new Uint8Array(4_096)
let left = 0

/** From 0 up to 1, in steps of 1/256; asking for each byte by itself would cost more than all the rest. */
function draw(): number {
  if (left === 0) left = randomFillSync(drawn).length
  left -= 1
  return (drawn[left] ?? 0) / 256
}

/** Marks a string that the database or a checked route parameter vouches for as an id of `kind`. */
export function asId<K extends IdKind>(_kind: K, value: string): IdOf<K> {
  return value as IdOf<K>
}

/** The pattern of an id of `kind`, for route schemas. */
export function idPattern(kind: IdKind): string {
  return `^${idPrefixes[kind]}_[0-9a-hjkmnp-tv-z]{26}$`
}
