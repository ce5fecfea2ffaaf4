import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashAuditEvent, sealAuditEvent } from '../../src/audit/event-hash.ts'

const text = fc.string({ unit: 'grapheme' })
const maybe = fc.option(text)
const names = fc.oneof(text, fc.constantFrom('10', '9', '__proto__', 'a', 'B', 'é', '\u{1f600}'))
const flat = fc.oneof(text, fc.boolean(), fc.integer(), fc.double(), fc.array(text))
const plainDetails = fc.dictionary(names, fc.oneof(flat, fc.constant(null)), {
  noNullPrototype: true
})
const event = fc.record({
  tenantId: text,
  seq: fc.bigInt({ min: 1n, max: 2n ** 60n }),
  id: text,
  at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2999-01-01') }),
  actorKind: text,
  actorId: text,
  onBehalfOf: maybe,
  action: text,
  objectKind: text,
  objectId: text,
  fabricId: maybe,
  outcome: text,
  code: maybe,
  requestId: maybe,
  source: maybe,
  credentialId: maybe,
  details: fc.oneof(plainDetails, fc.jsonValue()),
  previousHash: text
})
type Event = Parameters<typeof hashAuditEvent>[0]

/** By the library alone, as every event was hashed before. */
function reference({ seq, at, source, credentialId, ...rest }: Event): string {
  const members = {
    ...rest,
    ...(source !== null && { source }),
    ...(credentialId !== null && { credentialId }),
    seq: seq.toString(),
    at: at.toISOString()
  }
  return createHash('sha256')
    .update(String(canonicalize(members)))
    .digest('hex')
}

const resultOf = (hashed: () => string) => {
  try {
    return hashed()
  } catch {
    return 'refused'
  }
}

test('I3 whatever an event tells, its hash is that of its canonical JSON', () => {
  fc.assert(
    fc.property(event, (one) => {
      expect(resultOf(() => hashAuditEvent(one))).toBe(resultOf(() => reference(one)))
    }),
    { numRuns: 2_000 }
  )
})

test('I3 what is stored of an event is what was hashed, with the hash', () => {
  const membersOf = (one: Event) => {
    const { json, hash } = sealAuditEvent(one)
    expect(hash).toBe(hashAuditEvent(one))
    const { hash: stored, ...members }: Record<string, unknown> = JSON.parse(json)
    expect(stored).toBe(hash)
    return createHash('sha256')
      .update(String(canonicalize(members)))
      .digest('hex')
  }
  fc.assert(
    fc.property(event, (one) => {
      expect(resultOf(() => membersOf(one))).toBe(resultOf(() => reference(one)))
    }),
    { numRuns: 1_000 }
  )
})

test('I3 a lone surrogate has no hash, and the text of one has', () => {
  const [one] = fc.sample(event, 1)
  if (one === undefined) throw new TypeError('one was asked for')
  expect(() => hashAuditEvent({ ...one, details: { name: '\ud800' } })).toThrow()
  const told = { ...one, details: { name: '\\ud800' } }
  expect(hashAuditEvent(told)).toBe(reference(told))
})
