import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const eventNames = Type.Array(Text(64, { pattern: '^[a-z_]+(\\.([a-z_]+|\\*))?$' }), {
  minItems: 1,
  maxItems: 50,
  uniqueItems: true,
  description:
    'Names of events, as the audit has them. `connection.*`: all that begin so; `audit.*`: the whole record'
})
const Url = Text(2_048, { description: 'https, and public unless the operator named its origin' })

export const WebhookBody = Strict(
  { name: Text(120), url: Url, events: eventNames },
  { title: 'NewWebhook' }
)

export const WebhookPatchBody = Strict(
  {
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    name: Type.Optional(Text(120)),
    url: Type.Optional(Url),
    events: Type.Optional(eventNames)
  },
  { title: 'WebhookPatch' }
)

const DeliveryError = Type.String({
  description:
    '`not_2xx`, `redirect`, `gone`, `unreachable`, `dns_failed`, `tls_failed`, `timeout`, `bad_answer`, ' +
    '`not_allowed` or `internal`'
})

const members = {
  id: IdOfKind('webhook'),
  name: Type.String(),
  url: Type.String(),
  events: Type.Array(Type.String()),
  status: Type.Enum(['active', 'failing', 'paused', 'disabled'], {
    type: 'string',
    description: '`failing`: the next try comes by itself; `paused`, `disabled`: none comes'
  }),
  cause: Nullable(
    Type.String({
      description: '`by_admin`, `failed_too_long` (nothing taken for 72 hours) or `gone` (410)'
    })
  ),
  since: Time,
  behind: Type.Integer({
    description: 'Events of the record, wanted ones and others, that were not looked at for it yet'
  }),
  lastDeliveredAt: Nullable(Time),
  lastError: Nullable(DeliveryError),
  failures: Type.Integer({ description: 'Tries in a row that failed' }),
  nextTryAt: Nullable(Time),
  secrets: Type.Array(Strict({ hint: Type.String(), createdAt: Time, expiresAt: Nullable(Time) }), {
    description: 'What messages are signed with, newest first'
  }),
  version: Type.Integer(),
  createdAt: Time,
  updatedAt: Time
}

export const Webhook = Strict(members, { title: 'Webhook' })
const secret = Type.String({ description: 'Shown this once' })
export const CreatedWebhook = Strict({ ...members, secret }, { title: 'CreatedWebhook' })

export const WebhookSecretBody = Strict(
  {
    overlapHours: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 168,
        default: 24,
        description: 'For how long messages carry a signature by the secret before as well'
      })
    )
  },
  { title: 'NewWebhookSecret' }
)

export const CreatedWebhookSecret = Strict(
  { secret, hint: Type.String(), createdAt: Time, previousExpiresAt: Time },
  { title: 'CreatedWebhookSecret' }
)

export const ResumeBody = Strict(
  {
    skipMissed: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Go on with what happens next, not with where it stopped'
      })
    )
  },
  { title: 'ResumeWebhook' }
)

export const RedeliverBody = Strict(
  { eventId: IdOfKind('auditEvent') },
  { title: 'RedeliverWebhook' }
)

export const WebhookDelivery = Strict(
  {
    id: IdOfKind('delivery'),
    kind: Type.Enum(['event', 'redelivery', 'test'], { type: 'string' }),
    messageId: Type.String({
      description: 'As in the header `webhook-id`: of an event of the record, its id'
    }),
    type: Type.String(),
    attempt: Type.Integer({ description: 'Which try it was, from 1' }),
    at: Time,
    status: Nullable(Type.Integer({ description: 'As the receiver answered' })),
    error: Nullable(DeliveryError),
    durationMs: Type.Integer()
  },
  { title: 'WebhookDelivery' }
)
