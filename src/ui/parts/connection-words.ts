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

const tokenWords: typeof words = {
  active: 'Token works',
  degraded: 'Token works, in trouble',
  needs_sign_in: 'New token needed',
  misconfigured: 'To be mended',
  paused: 'Paused',
  revoked: 'No token',
  pending: 'No token yet'
}

/** One's own connection in two words. */
export function connectionWords(
  { state, cause }: Pick<Connection, 'state' | 'cause'>,
  authMethod: Schemas['Fabric']['authMethod'] = 'oauth'
): string {
  const [none, known] =
    authMethod === 'pat' ? ['No token yet', tokenWords] : ['Not signed in', words]
  return cause === 'never_signed_in' ? none : known[state]
}

const causes: Readonly<Record<string, string>> = {
  never_signed_in: 'You have not signed in at this workspace yet.',
  personal_access_token_refused: 'The workspace refused your token; give another one.',
  refresh_token_refused: 'The workspace ended your sign-in.',
  sign_in_needed: 'The workspace wants you to sign in again.',
  rotation_lost: 'An answer of the workspace was lost on the way; sign in once more.',
  app_connection_refused:
    'The workspace refused the app connection; an admin of your organisation has to mend it.',
  workspace_unreachable: 'The workspace cannot be reached.',
  upstream_unavailable: 'The workspace could not answer.',
  upstream_timeout: 'The workspace took too long.'
}

/** Why a connection is as it is; a cause without words of its own is told by its code. */
export function causeWords(
  cause: string,
  authMethod: Schemas['Fabric']['authMethod'] = 'oauth'
): string {
  if (authMethod === 'pat' && cause === 'never_signed_in') return 'You have not given a token yet.'
  return causes[cause] ?? cause.replaceAll('_', ' ')
}
