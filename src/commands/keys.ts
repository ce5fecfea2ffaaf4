import { commandLineCall } from '../identity/identity.ts'
import type { DataKeyReport } from '../jobs/data-key-rotation.ts'
import type { KeyRotationReport, KeyStatus } from '../jobs/key-rotation.ts'
import {
  type Command,
  type CommandRooms,
  command,
  type Given,
  given,
  needed,
  UsageError
} from './command.ts'

const waitDefaultSeconds = 300

export const keyCommands: readonly Command[] = [
  command({
    name: 'keys status',
    usage: '',
    about: 'the key ring: which key seals, what each wraps, which replica lacks one',
    options: {},
    positionalsMax: 0,
    run: (_asked, { keyRotation }) => keyRotation.status(),
    tell: statusText
  }),
  command({
    name: 'keys rotate',
    usage: '[--to KID] [--wait SECONDS] | --data --tenant SLUG|ID',
    about:
      'wait until every replica has the ring’s newest key, seal with it, re-wrap all, retire the others; ' +
      'with --data give a tenant a new data key and re-seal all it has; may run again at any point',
    options: {
      to: { type: 'string' },
      wait: { type: 'string' },
      data: { type: 'boolean' },
      tenant: { type: 'string' }
    },
    positionalsMax: 0,
    run: rotate,
    tell: (report) => ('to' in report ? reportText(report) : dataReportText(report))
  }),
  command({
    name: 'keys drop-signing',
    usage: 'KID --confirm KID',
    about:
      'drop a signing key that may be in wrong hands: nothing that it signed is believed any more',
    options: { confirm: { type: 'string' } },
    positionalsMax: 1,
    run: async (asked, { dropSigningKey }) => {
      const [kid] = asked.positionals
      if (kid === undefined || kid !== needed(asked, 'confirm')) {
        throw new UsageError('the kid, and the same after --confirm')
      }
      return await dropSigningKey(kid)
    },
    tell: ({ kid, tenants }) => `${kid} is dropped; ${tenants} tenants’ tokens are looked at anew`
  })
]

async function rotate(asked: Given, rooms: CommandRooms) {
  const { keyRotation, dataKeyRotation, identity, tell } = rooms
  if (asked.values.data === true) {
    if (given(asked, 'to') !== null) throw new UsageError('--to is for keys of the ring')
    const { id } = await identity.tenants.find(commandLineCall, needed(asked, 'tenant'))
    return await dataKeyRotation.rotate(id, tell)
  }
  if (given(asked, 'tenant') !== null) throw new UsageError('--tenant goes with --data')
  const seconds = given(asked, 'wait') ?? String(waitDefaultSeconds)
  if (!/^\d{1,5}$/.test(seconds)) throw new UsageError('--wait is a number of seconds')
  const options = { to: given(asked, 'to'), waitMs: Number(seconds) * 1_000 }
  return await keyRotation.rotate(options, tell)
}

function statusText({ keys, replicas }: KeyStatus): string {
  const ofKeys = keys.map(({ kid, fingerprint, state, isInRing, wraps, missingOn }) =>
    [
      `${state.padEnd(8)}  ${kid}  ${fingerprint ?? 'unknown'}  wraps ${wraps}`,
      isInRing ? '' : '  not in this ring',
      missingOn.length === 0 ? '' : `  missing on ${missingOn.join(', ')}`
    ].join('')
  )
  const ofReplicas = replicas.map(
    ({ id, host, sealingKid, seenAt }) =>
      `replica   ${host} (${id.slice(0, 8)})  seals with ${sealingKid}  seen ${seenAt.toISOString()}`
  )
  return [...ofKeys, ...ofReplicas].join('\n')
}

function dataReportText({ tenantId, dataKeyId, resealed, retired }: DataKeyReport): string {
  const old = retired.length === 0 ? 'none' : retired.join(', ')
  return `${dataKeyId} seals for ${tenantId}; ${resealed} re-sealed; retired: ${old}`
}

function reportText({ to, replicas, rewrapped, retired }: KeyRotationReport): string {
  const old = retired.length === 0 ? 'none' : retired.join(', ')
  return `${to} seals on ${replicas} replicas; ${rewrapped} re-wrapped; retired: ${old}`
}
