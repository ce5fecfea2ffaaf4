import { createHash } from 'node:crypto'
import { isObject } from '../simulation/exchange.ts'
import { type CustomApp, type CustomApps, createCustomApps } from './custom-apps.ts'
import { createPersonalTokens, type PersonalTokens } from './personal-tokens.ts'

export interface ServicePrincipal {
  /** The application UUID. */
  readonly clientId: string
  readonly clientSecret: string
  readonly previousClientSecrets?: readonly string[]
  readonly displayName: string
  /** Scopes that the secret carries; without it, `all-apis`. */
  readonly scopes?: readonly string[]
  /** userNames with the role `servicePrincipal.user` on it, which lets jobs run as it; itself always may. */
  readonly users?: readonly string[]
  /** Account admins register OAuth apps. */
  readonly isAccountAdmin?: boolean
}

export interface Person {
  readonly email: string
  readonly name: string
}

export interface Identity {
  readonly kind: 'user' | 'service_principal'
  /** Email, or the application UUID. */
  readonly userName: string
  readonly displayName: string
  /** Digits. */
  readonly id: string
}

/** Who exists at a workspace and which OAuth clients may speak to it. */
export interface Registry {
  readonly people: readonly Person[]
  readonly personalTokens: PersonalTokens
  app(clientId: string): CustomApp | undefined
  servicePrincipal(clientId: string): ServicePrincipal | undefined
  identity(userName: string): Identity | undefined
  servicePrincipals(): readonly Identity[]
  /** Workspace admins see every job; the first of the people is one. */
  isAdmin(userName: string): boolean
  isAccountAdmin(userName: string): boolean
  /** Adds or replaces; returns what is wrong with the value, and then changes nothing. */
  putApp(value: unknown): string[]
  putServicePrincipal(value: unknown): string[]
}

export function createRegistry(
  people: readonly Person[],
  apps: readonly CustomApp[],
  servicePrincipals: readonly ServicePrincipal[],
  customApps: CustomApps = createCustomApps()
): Registry {
  const appsById = new Map(apps.map((app) => [app.clientId, app]))
  const principalsById = new Map(servicePrincipals.map((one) => [one.clientId, one]))
  const identityOf = ({ clientId, displayName }: ServicePrincipal): Identity => {
    return { kind: 'service_principal', userName: clientId, displayName, id: digits(clientId) }
  }
  return {
    people,
    personalTokens: createPersonalTokens((email) => people.some((one) => one.email === email)),
    app: (clientId) => appsById.get(clientId) ?? customApps.app(clientId),
    servicePrincipal: (clientId) => principalsById.get(clientId),
    identity(userName) {
      const person = people.find(({ email }) => email === userName)
      if (person) return { kind: 'user', userName, displayName: person.name, id: digits(userName) }
      const principal = principalsById.get(userName)
      return principal && identityOf(principal)
    },
    servicePrincipals: () => [...principalsById.values()].map(identityOf),
    isAdmin: (userName) => people[0]?.email === userName,
    isAccountAdmin: (userName) =>
      people[0]?.email === userName || principalsById.get(userName)?.isAccountAdmin === true,
    putApp(value) {
      const wrong = faultsOf(value, {
        clientId: isText,
        clientSecret: (secret) => secret === null || isText(secret),
        previousClientSecrets: isOptionalTexts,
        redirectUrls: isTexts,
        scopes: isTexts
      })
      if (wrong.length === 0 && isApp(value)) appsById.set(value.clientId, value)
      return wrong
    },
    putServicePrincipal(value) {
      const wrong = faultsOf(value, {
        clientId: isText,
        clientSecret: isText,
        previousClientSecrets: isOptionalTexts,
        displayName: isText,
        scopes: isOptionalTexts,
        users: isOptionalTexts,
        isAccountAdmin: (is) => is === undefined || typeof is === 'boolean'
      })
      if (wrong.length === 0 && isPrincipal(value)) principalsById.set(value.clientId, value)
      return wrong
    }
  }
}

function digits(seed: string): string {
  return String(createHash('sha256').update(seed).digest().readUInt32BE(0) + 7_000_000_000)
}

function faultsOf(value: unknown, checks: Record<string, (member: unknown) => boolean>): string[] {
  if (!isObject(value)) return ['the body must be a JSON object']
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(checks, name))
  const bad = Object.entries(checks).filter(([name, check]) => !check(value[name]))
  return [
    ...unknown.map((name) => `${name}: no such member`),
    ...bad.map(([name]) => `${name}: missing or of another type`)
  ]
}

function isApp(value: unknown): value is CustomApp {
  return isObject(value) && isTexts(value.redirectUrls)
}

function isPrincipal(value: unknown): value is ServicePrincipal {
  return isObject(value) && isText(value.displayName)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}

function isOptionalTexts(value: unknown): boolean {
  return value === undefined || isTexts(value)
}
