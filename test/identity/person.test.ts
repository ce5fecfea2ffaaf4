import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBootstrapAdmin, mayJoin } from '../../src/identity/admission.ts'
import {
  displayName,
  identityHash,
  isSameEmail,
  type Person,
  parseEmail
} from '../../src/identity/person.ts'

function person(email: unknown, isEmailVerified = true): Person {
  return { issuer: 'i', subject: 's', email: parseEmail(email), isEmailVerified, name: 'n' }
}

const rule = {
  emailDomains: ['corp.test'],
  isInMappedGroup: false,
  bootstrapAdmin: 'root@corp.test'
}

describe('A8 who a person is', () => {
  test('A8 the key is issuer and subject together, and no two pairs share one', () => {
    expect(identityHash('https://a.test', 'b')).not.toBe(identityHash('https://a.tes', 'tb'))
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        fc.pre(a !== c || b !== d)
        expect(identityHash(a, b)).not.toBe(identityHash(c, d))
      })
    )
  })
})

describe('A8 which addresses open a door', () => {
  test.each(['ann@corp.test', 'ann.b+c_d-e@corp.test', 'ANN@corp.test', 'ann@CORP.TEST'])(
    'A8 %s is of the domain',
    (email) => {
      expect(mayJoin(person(email), rule)).toBe(true)
    }
  )

  test.each([
    ...['a@b@corp.test', 'a@corp.test@evil.test', '@corp.test', 'a@', 'a', '', 'a@@corp.test'],
    ...['a＠corp.test', 'a@corp.test＠', 'a@cоrp.test', 'a@corp.tesᴛ', 'a@\u212Aorp.test'],
    ...[
      'a@corp.test.',
      'a@corp..test',
      'a@.corp.test',
      'a@corp.test ',
      ' a@corp.test',
      'a@corp.test\n'
    ],
    ...['a@sub.corp.test', 'a@evilcorp.test', 'a@corp.test.evil.test', 'a@corp', 'a@[127.0.0.1]'],
    ...['"a@x"@corp.test', 'a b@corp.test', '.a@corp.test', 'a.@corp.test', 'a..b@corp.test'],
    ...['a(x)@corp.test', '<a@corp.test>', 'a,b@corp.test', 'a%40x@corp.test', 'a\u0000@corp.test'],
    `${'a'.repeat(65)}@corp.test`
  ])('A8 %j is not', (email) => {
    expect(mayJoin(person(email), rule)).toBe(false)
  })

  test.each([null, undefined, 7, true, ['a@corp.test'], { toString: () => 'a@corp.test' }])(
    'A8 what is not a text is no address: %j',
    (email) => {
      expect(mayJoin(person(email), rule)).toBe(false)
    }
  )

  test('A8 an address that the issuer has not verified opens nothing', () => {
    expect(mayJoin(person('ann@corp.test', false), rule)).toBe(false)
    expect(isBootstrapAdmin(person('root@corp.test', false), rule)).toBe(false)
  })

  test('A8 the bootstrap admin is one address', () => {
    expect(isBootstrapAdmin(person('root@corp.test'), rule)).toBe(true)
    expect(isBootstrapAdmin(person('root@corp.test.evil.test'), rule)).toBe(false)
    expect(isBootstrapAdmin(person('root+x@corp.test'), rule)).toBe(false)
    expect(isBootstrapAdmin(person('root@corp.test'), { ...rule, bootstrapAdmin: null })).toBe(
      false
    )
    expect(isBootstrapAdmin(person(null), { ...rule, bootstrapAdmin: '' })).toBe(false)
  })

  test('no list of domains: whoever the issuer authenticates', () => {
    expect(
      mayJoin(person(null, false), {
        emailDomains: [],
        isInMappedGroup: false,
        bootstrapAdmin: null
      })
    ).toBe(true)
  })

  test('letter case does not make another address', () => {
    const email = parseEmail('Root@Corp.Test')
    expect(email !== null && isSameEmail(email, 'root@corp.test')).toBe(true)
  })
})

describe('I2 names are one plain line', () => {
  test('control and direction marks are gone, and the first that is left is taken', () => {
    expect(displayName('\u202eann\u0000\r\n', 'other')).toBe('ann')
    expect(displayName('\u200b', 7, 'bob')).toBe('bob')
    expect(displayName(undefined)).toBe('Somebody')
    expect(displayName('x'.repeat(500))).toHaveLength(200)
  })
})
