import { createHmac, hash, randomBytes, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Secret } from '../base/secret.ts'

/** `wfts_`: a service account's key; `wftp_`: a person's access token; `wftc_`: a tenant's SCIM token. */
export type BearerPrefix = 'wfts_' | 'wftp_' | 'wftc_'

export interface NewBearer {
  /** Shown once, then gone. */
  readonly bearer: Secret
  /** What is stored and looked up, see `hashToken`. */
  readonly hash: string
  /** What is shown from then on, see `hintOf`. */
  readonly hint: string
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomLength = 30 // 62^30 > 2^178
const checksumLength = 6 // 62^6 > 2^32
const shape = /^wft[cps]_[0-9A-Za-z]{36}$/
const hintLength = 4
const hintedMinLength = 16

/** A fresh bearer credential: prefix, 178 random bits, CRC32 over both, all base62. */
export function newBearer(prefix: BearerPrefix): NewBearer {
  const random = Array.from({ length: randomLength }, () => digits.charAt(randomInt(62)))
  const body = prefix + random.join('')
  const bearer = new Secret(body + checksumOf(body))
  return { bearer, hash: hashToken(bearer), hint: hintOf(bearer) }
}

/**
 * Whether a text has the shape and checksum of a bearer of ours: spares a look-up for typos and lets secret
 * scanners tell ours from noise. It proves nothing about who made it.
 */
export function bearerChecksumHolds(text: string): boolean {
  return shape.test(text) && text.endsWith(checksumOf(text.slice(0, -checksumLength)))
}

/** 256 random bits in base64url: sessions, states, attempts. */
export function newOpaqueToken(): Secret {
  return new Secret(randomBytes(32).toString('base64url'))
}

/**
 * Hex SHA-256, by which tokens are stored and looked up: enough for random tokens of 128 bits or more
 * (and no use for passwords). A look-up by it compares no secret byte by byte.
 */
export function hashToken(text: string | Secret): string {
  const clear = typeof text === 'string' ? text : text.reveal()
  return hash('sha256', clear)
}

/** Keyed hash of a token, hex (HMAC-SHA-256, RFC 2104): without the key it neither tells nor proves anything of it. */
export function markOf(key: Secret, token: Secret): string {
  return createHmac('sha256', key.reveal()).update(token.reveal()).digest('hex')
}

/**
 * The value in clear, for the one moment in which it leaves: a cookie just set, a key just made, a client
 * secret on its way to the token endpoint. Never for what is stored or logged.
 */
export function disclose(secret: Secret): string {
  return secret.reveal()
}

/** `…c9f2`: the last four characters; only `…` where the secret is shorter than 16. */
export function hintOf(secret: Secret): string {
  const clear = secret.reveal()
  return clear.length < hintedMinLength ? '…' : `…${clear.slice(-hintLength)}`
}

function checksumOf(body: string): string {
  let rest = crc32(body)
  let checksum = ''
  while (checksum.length < checksumLength) {
    checksum = digits.charAt(rest % 62) + checksum
    rest = Math.floor(rest / 62)
  }
  return checksum
}

/** Whether somebody sent back what a page shows in a secret's place: stars, dots, or a hint. */
export function looksLikeMask(secret: Secret): boolean {
  const clear = secret.reveal()
  return /^[*•●…]+$/u.test(clear) || /^…[^…]{4}$/u.test(clear)
}
