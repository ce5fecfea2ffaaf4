import type { KeyRotationReport, KeyStatus } from '../jobs/key-rotation.ts'
import {
  type Command,
  type CommandRooms,
  command,
  type Given,
  given,
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
    usage: '[--to KID] [--wait SECONDS]',
    about:
      'wait until every replica has the ring’s newest key, seal with it, re-wrap all, retire the others; ' +
      'may run again at any point',
    options: { to: { type: 'string' }, wait: { type: 'string' } },
    positionalsMax: 0,
    run: rotate,
    tell: reportText
  })
]

async function rotate(asked: Given, { keyRotation, tell }: CommandRooms) {
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

function reportText({ to, replicas, rewrapped, retired }: KeyRotationReport): string {
  const old = retired.length === 0 ? 'none' : retired.join(', ')
  return `${to} seals on ${replicas} replicas; ${rewrapped} re-wrapped; retired: ${old}`
}
