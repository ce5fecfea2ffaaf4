import type { Entries } from '../entry.ts'

const one = '/api/v1/webhooks/:webhookId'

export const webhookEntries: Entries = {
  'GET /api/v1/webhooks': {},
  'POST /api/v1/webhooks': {
    body: (id) => ({ name: id.unique, url: 'https://hooks.example.com/x', events: ['audit.*'] })
  },
  [`GET ${one}`]: {},
  [`PATCH ${one}`]: { body: (id) => ({ version: 1, name: id.unique }) },
  [`DELETE ${one}`]: {},
  [`POST ${one}/pause`]: {},
  [`POST ${one}/resume`]: { body: () => ({}) },
  [`POST ${one}/secrets`]: { body: () => ({}) },
  [`POST ${one}/test`]: {},
  [`POST ${one}/redeliver`]: { body: (id) => ({ eventId: id('auditEvent') }) },
  [`GET ${one}/deliveries`]: {}
}
