import type { Schemas } from '../../generated/operations.ts'

type Event = Schemas['AuditEvent']

/** What is done most, as one says it; the rest is made of the action's own words. */
const sentences: Readonly<Record<string, string>> = {
  'access.deny': 'was refused',
  'app_connection.add_secret': 'gave an app connection a new secret',
  'app_connection.delete_registration': 'deleted a registration at Databricks',
  'app_connection.delete_secret': 'deleted a secret of an app connection',
  'app_connection.mend_registration': 'mended a registration at Databricks',
  'app_connection.register': 'registered Weft at Databricks',
  'audit.find_token': 'asked whose a found token is',
  'connection.delete': 'signed out of a workspace',
  'connection.needs_sign_in': 'saw that somebody has to sign in again',
  'connection.put_token': 'gave a token of their own',
  'connection.recovered': 'saw a connection well again',
  'data_key.destroy': 'destroyed an old key',
  'data_key.retire': 'retired an old key',
  'data_key.rewrap': 'wrapped a key by a newer one',
  'data_key.rotate': 'changed the key that secrets are sealed with',
  'delegation.create': 'let a service act as themself',
  'delegation.revoke': 'ended a delegation',
  'endpoint.discover': 'looked up endpoints',
  'endpoint.query': 'asked an endpoint',
  'fabric.sign_in': 'signed in to a workspace',
  'fabric.test': 'tested a fabric',
  'grant.refresh': 'renewed a sign-in',
  'grant.revoke': 'ended a sign-in',
  'incident.finish': 'told the providers of all that was ended',
  'incident.revoke': 'ended every sign-in and key after an incident',
  'invitation.accept': 'accepted an invitation',
  'invitation.create': 'invited somebody',
  login: 'logged in',
  logout: 'logged out',
  'me.switch_tenant': 'went over to another organisation',
  'member.join': 'became a member',
  'member.map_groups': 'was put into teams by their groups',
  'operator.add': 'made somebody an operator',
  'operator.remove': 'took the operator’s role away',
  'secret.expiring': 'saw that a secret ends soon',
  'service_account.set_fabrics': 'changed what a service account may use',
  'service_account.use': 'called with a service account',
  'service_principal.add_secret': 'gave a service principal a new secret',
  'service_principal.delete_secret': 'deleted a secret of a service principal',
  'service_principal.refused': 'saw a service principal refused',
  'service_token.issue': 'got a token for a service account',
  'session.delete': 'ended a session',
  'session.end_all': 'logged everybody out',
  'session.end_of_member': 'ended the sessions of a member',
  'settings.import': 'imported settings',
  'sign_in_attempt.finish': 'finished a sign-in',
  'signing_key.drop': 'dropped a signing key',
  'team_member.delete': 'took somebody out of a team',
  'team_member.put': 'put somebody into a team',
  'webhook.disable': 'stopped a webhook',
  'webhook.redeliver': 'sent a webhook an event again',
  'webhook.rotate_secret': 'gave a webhook a new secret',
  'webhook.test': 'sent a webhook a test'
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
  resume: 'resumed',
  pause: 'paused',
  erase: 'erased'
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
