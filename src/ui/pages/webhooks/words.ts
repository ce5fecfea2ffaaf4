import type { Schemas } from '../../generated/operations.ts'

export type Webhook = Schemas['Webhook']
export type Delivery = Schemas['WebhookDelivery']

/** Why a try was not taken, as people say it. */
const errors: Readonly<Record<string, string>> = {
  not_2xx: 'It answered with an error',
  redirect: 'It leads elsewhere; Weft does not follow',
  gone: 'It says that it is gone for good',
  unreachable: 'It cannot be reached',
  dns_failed: 'Its name has no address',
  tls_failed: 'Its certificate does not hold',
  timeout: 'It took longer than 10 seconds',
  bad_answer: 'It broke off, or said too much',
  not_allowed: 'Its address is not public',
  internal: 'Weft could not send'
}

export function errorWords(error: string, status: number | null): string {
  if (error === 'not_2xx' && status !== null) return `It answered ${status}`
  return errors[error] ?? error
}

const statuses: Readonly<Record<Webhook['status'], readonly [color: string, words: string]>> = {
  active: ['teal', 'Healthy'],
  failing: ['orange', 'Failing'],
  paused: ['gray', 'Paused'],
  disabled: ['gray', 'Stopped']
}

export const markOf = ({ status }: Webhook) => statuses[status]

/** What is subscribed to most, and the words for it. */
export const presets = {
  health: ['connection.*', 'service_principal.refused', 'secret.expiring'],
  everything: ['audit.*']
} as const

export type Preset = keyof typeof presets | 'chosen'

export function presetOf(events: readonly string[]): Preset {
  const isSame = (names: readonly string[]) =>
    names.length === events.length && names.every((name) => events.includes(name))
  if (isSame(presets.health)) return 'health'
  return isSame(presets.everything) ? 'everything' : 'chosen'
}

export function eventsWords(events: readonly string[]): string {
  const preset = presetOf(events)
  if (preset === 'health') return 'Health of connections'
  return preset === 'everything' ? 'The whole record' : events.join(', ')
}
