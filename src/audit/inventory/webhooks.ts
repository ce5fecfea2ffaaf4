import { listed } from './listed.ts'

/** Who is told the record. */
export const eventsOfWebhooks = {
  'webhook.create': listed('A webhook was added', 'webhook', 'name origin events'),
  'webhook.update': listed('It was changed', 'webhook', 'changed origin events'),
  'webhook.delete': listed('It was deleted', 'webhook'),
  'webhook.pause': listed('It was paused, by an admin or after failures', 'webhook', 'cause'),
  'webhook.resume': listed('It goes on', 'webhook'),
  'webhook.rotate_secret': listed('It got a new secret', 'webhook', 'overlapHours'),
  'webhook.test': listed(
    'A trial was asked for',
    'webhook',
    'messageId status error',
    'succeeded',
    'failed'
  ),
  'webhook.redeliver': listed(
    'A delivery was asked for again',
    'webhook',
    'messageId status error',
    'succeeded',
    'failed'
  ),
  'webhook.disable': listed('It was shut after failing too long', 'webhook', 'cause')
} as const
