import type { Secret } from '../base/secret.ts'
import type { RoleCredentials } from './roles.ts'

/** A driver needs its URL in clear; this is the one place in the store that takes it out of its wrapping. */
export function connectionStringOf(url: Secret): string {
  return url.reveal()
}

/** User and password of a database URL. */
export function credentialsOf(url: Secret): RoleCredentials {
  const { username, password } = new URL(connectionStringOf(url))
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
}
