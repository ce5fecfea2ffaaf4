import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import {
  bearerChecksumHolds,
  disclose,
  hashToken,
  hintOf,
  looksLikeMask,
  newBearer,
  newOpaqueToken
} from '../../src/crypto/bearer.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

describe('C11 bearers', () => {
  test.each(['wfts_', 'wftp_', 'wftc_'] as const)(
    '%s: prefix, 30 random letters, 6 of checksum',
    (prefix) => {
      const { bearer, hash, hint } = newBearer(prefix)
      const text = bearer.reveal()
      expect(text).toMatch(new RegExp(`^${prefix}[0-9A-Za-z]{36}$`))
      expect(hash).toBe(createHash('sha256').update(text).digest('hex'))
      expect(hint).toBe(`…${text.slice(-4)}`)
      expect(bearerChecksumHolds(text)).toBe(true)
    }
  )

  test('no two are alike, and every letter comes up about as often', () => {
    const bodies = Array.from({ length: 5000 }, () =>
      newBearer('wfts_').bearer.reveal().slice(5, 35)
    )
    expect(new Set(bodies).size).toBe(5000)
    const counts = new Map([...base62].map((letter) => [letter, 0]))
    for (const letter of bodies.join('')) counts.set(letter, (counts.get(letter) ?? 0) + 1)
    const expected = (5000 * 30) / 62
    for (const count of counts.values()) {
      expect(Math.abs(count - expected)).toBeLessThan(expected * 0.2) // ten standard deviations
    }
  })

  test('the checksum is CRC32 of what stands before it', () => {
    // 'wfts_' + 30 zeros: CRC32 from another implementation, in base62
    expect(bearerChecksumHolds(`wfts_${'0'.repeat(30)}3pTpA9`)).toBe(true)
    expect(bearerChecksumHolds(`wftp_${'0'.repeat(30)}3pTpA9`)).toBe(false)
  })

  test('a right checksum does not make a bearer of another prefix or length', () => {
    // CRC32 from another implementation, in base62, over what stands before
    const others = [
      `wftx_${'0'.repeat(30)}4b944o`,
      `wfts_${'0'.repeat(29)}2rlTRS`,
      `wfts_${'0'.repeat(31)}3LSh8a`,
      ` wfts_${'0'.repeat(30)}38onek`,
      `wfts_${'0'.repeat(29)}-3GJIyO`
    ]
    for (const other of others) expect(bearerChecksumHolds(other)).toBe(false)
  })

  test('one wrong or swapped letter anywhere breaks the checksum', () => {
    const text = newBearer('wfts_').bearer.reveal()
    for (let at = 5; at < text.length; at += 1) {
      for (const letter of base62) {
        if (letter === text[at]) continue
        expect(bearerChecksumHolds(text.slice(0, at) + letter + text.slice(at + 1))).toBe(false)
      }
    }
    expect(bearerChecksumHolds(text.replace('wfts_', 'wftp_'))).toBe(false)
  })

  test('what is no bearer has no checksum, and nothing makes the check throw', () => {
    const text = newBearer('wftp_').bearer.reveal()
    const near = [
      text.slice(1),
      `${text}0`,
      `${text}\n`,
      ` ${text}`,
      text.toLowerCase(),
      'wftp_',
      ''
    ]
    for (const other of near) {
      if (other !== text) expect(bearerChecksumHolds(other)).toBe(false)
    }
    fc.assert(fc.property(fc.string(), (noise) => !bearerChecksumHolds(noise)))
  })
})

describe('opaque tokens, hashes and hints', () => {
  test('an opaque token has 256 random bits in base64url', () => {
    const tokens = Array.from({ length: 1000 }, () => newOpaqueToken().reveal())
    expect(new Set(tokens).size).toBe(1000)
    for (const token of tokens) {
      expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    }
  })

  test('a hash is the same for a text and for a secret of it', () => {
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(hashToken('abc')).toBe(sha256)
    expect(hashToken(new Secret('abc'))).toBe(sha256)
  })

  test('a hint shows four characters of a secret of 16 or more, else none', () => {
    expect(hintOf(new Secret('0123456789abcdef'))).toBe('…cdef')
    expect(hintOf(new Secret('0123456789abcde'))).toBe('…')
    expect(hintOf(new Secret(''))).toBe('…')
  })
})

describe('a mask, as a page shows it where a secret is set', () => {
  test('stars, dots and a hint are taken for a mask', () => {
    const masks = ['*', '***', '••••••••', '●●', '…', '……', '*•●…', '…c9f2', '…c-_2', '…🔑🔑🔑🔑']
    for (const mask of masks) expect([mask, looksLikeMask(new Secret(mask))]).toEqual([mask, true])
  })

  test('a secret is not, whatever stars, dots or hints it holds', () => {
    const secrets = [
      '',
      'c9f2',
      'a***',
      '***a',
      '*a*',
      'a…c9f2',
      '…c9f',
      '…c9f2a',
      '…c9…2',
      'dose1'
    ]
    for (const secret of secrets) {
      expect([secret, looksLikeMask(new Secret(secret))]).toEqual([secret, false])
    }
  })

  test('no credential that we make is', () => {
    for (let turn = 0; turn < 100; turn += 1) {
      expect(looksLikeMask(newBearer('wfts_').bearer)).toBe(false)
      expect(looksLikeMask(newOpaqueToken())).toBe(false)
    }
  })
})

test('what is disclosed is the value as it was', () => {
  expect(disclose(new Secret('a secret of 17 ch'))).toBe('a secret of 17 ch')
})
