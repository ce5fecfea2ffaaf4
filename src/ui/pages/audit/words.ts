import type { Schemas } from '../../generated/operations.ts'

type Event = Schemas['AuditEvent']

/** What is done most, as one says it; the rest is made of the action's own words. */
const sentences: Readonly<Record<string, string>> = {
  'connection.delete': 'signed out of a workspace',
  'data_key.rotate': 'changed the key that secrets are sealed with',
  'delegation.create': 'let a service act as themself',
  'delegation.revoke': 'ended a delegation',
  'endpoint.query': 'asked an endpoint',
  'endpoint.discover': 'looked up endpoints',
  'fabric.sign_in': 'signed in to a workspace',
  'fabric.test': 'tested a fabric',
  'grant.refresh': 'renewed a sign-in',
  'grant.revoke': 'ended a sign-in',
  'invitation.accept': 'accepted an invitation',
  'invitation.create': 'invited somebody',
  login: 'logged in',
  'member.join': 'became a member',
  'service_account.set_fabrics': 'changed what a service account may use',
  'service_account.use': 'called with a service account',
  'service_token.issue': 'got a token for a service account',
  'session.end_all': 'logged everybody out',
  'session.end_of_member': 'ended the sessions of a member',
  'team_member.put': 'put somebody into a team',
  'team_member.delete': 'took somebody out of a team'
}
const verbs: Readonly<Record<string, string>> = {
  create: 'made',
  update: 'changed',
  delete: 'deleted',
  verify: 'verified',
  revoke: 'revoked',
  put: 'saved',
  complete: 'finished',
  transfer: 'moved',
  register: 'registered',
  cancel: 'cancelled',
  suspend: 'suspended',
  resume: 'resumed'
}

/** `service_key.revoke` → `revoked a service key`. */
export function actionWords(action: string): string {
  const sentence = sentences[action]
  if (sentence !== undefined) return sentence
  const [thing = action, verb = ''] = action.split('.')
  const noun = thing.replaceAll('_', ' ')
  const article = /^[aeio]/.test(noun) ? 'an' : 'a'
  return `${verbs[verb] ?? verb.replaceAll('_', ' ')} ${article} ${noun}`.trim()
}

/** What the filter offers: every action that has words of its own, and the usual changes. */
export const actions: readonly string[] = [
  ...Object.keys(sentences),
  ...['app_connection', 'fabric', 'service_account', 'team', 'login_provider'].flatMap((thing) =>
    ['create', 'update', 'delete'].map((verb) => `${thing}.${verb}`)
  ),
  'service_key.create',
  'service_key.revoke',
  'personal_token.create',
  'personal_token.revoke',
  'member.update',
  'member.delete',
  'tenant_settings.update'
].toSorted()

/** Names by id, where they are known. */
export type Names = ReadonlyMap<string, string>

export function actorWords({ actor }: Event, names: Names): string {
  if (actor.kind === 'system') return 'Weft'
  return names.get(actor.id) ?? actor.id
}
