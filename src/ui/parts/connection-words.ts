import type { Schemas } from '../generated/operations.ts'

type Connection = Schemas['Connection']

const words: Readonly<Record<Connection['state'], string>> = {
  active: 'Signed in',
  degraded: 'Signed in, in trouble',
  needs_sign_in: 'Sign in again',
  misconfigured: 'To be mended',
  paused: 'Paused',
  revoked: 'Signed out',
  pending: 'Not signed in'
}

/** One's own connection in two words. */
export function connectionWords({ state, cause }: Pick<Connection, 'state' | 'cause'>): string {
  return cause === 'never_signed_in' ? 'Not signed in' : words[state]
}

const causes: Readonly<Record<string, string>> = {
  never_signed_in: 'You have not signed in at this workspace yet.',
  signed_out: 'You signed out.',
  expired: 'The sign-in ran out.'
}

/** Why a connection is as it is; a cause without words of its own is told by its code. */
export function causeWords(cause: string): string {
  return causes[cause] ?? cause.replaceAll('_', ' ')
}
