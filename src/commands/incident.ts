import { commandLineCall, type IncidentView } from '../identity/identity.ts'
import { type Command, command, type Given, given, needed, UsageError } from './command.ts'

export const incidentCommands: readonly Command[] = [
  command({
    name: 'incident revoke',
    usage: '--tenant SLUG|ID --confirm SLUG [--fabric ID | --user ID]',
    about:
      'end every sign-in, key, token, session and delegation of a tenant at once, then at the provider; ' +
      'reports what could not be revoked and which secrets to rotate; may run again at any point',
    options: {
      tenant: { type: 'string' },
      confirm: { type: 'string' },
      fabric: { type: 'string' },
      user: { type: 'string' }
    },
    positionalsMax: 0,
    run: async (asked, { identity, tell }) => {
      const target = targetOf(asked)
      const confirm = needed(asked, 'confirm')
      const { id } = await identity.tenants.find(commandLineCall, needed(asked, 'tenant'))
      return await identity.incidents.revoke(commandLineCall, id, { confirm, target }, (done) =>
        tell(`the provider was told of ${done.told}, and revoked ${done.revoked}`)
      )
    },
    tell: reportText
  })
]

function targetOf(asked: Given) {
  const [fabric, user] = [given(asked, 'fabric'), given(asked, 'user')]
  if (fabric !== null && user !== null) throw new UsageError('either --fabric or --user')
  if (fabric !== null) return { kind: 'fabric', id: fabric } as const
  return user === null ? undefined : ({ kind: 'user', id: user } as const)
}

const idsShown = 10

function reportText({ id, ended, provider, secretsToRotate }: IncidentView): string {
  const counts = Object.entries(ended).map(([name, count]) => `${count} ${name}`)
  const shown = (ids: readonly string[]) =>
    ids.length <= idsShown
      ? ids.join(' ')
      : `${ids.slice(0, idsShown).join(' ')} … (--json has all)`
  return [
    `${id}: ended here: ${counts.join(', ')}`,
    `revoked at the provider: ${provider.revoked}`,
    ...provider.notRevoked.map(
      ({ host, cause, count, grantIds }) =>
        `not revoked: ${count} at ${host}: ${cause}: ${shown(grantIds)}`
    ),
    ...secretsToRotate.map(
      ({ kind, name, clientId, where, hints }) =>
        `rotate by hand: ${kind} ${name}, client ${clientId}, ${hints.join(' ')}, at ${where ?? 'its account console'}`
    )
  ].join('\n')
}
