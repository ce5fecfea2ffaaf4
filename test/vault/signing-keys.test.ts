import { randomBytes } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { createSigningKeys } from '../../src/vault/signing-keys.ts'
import { codeOf, testClock } from '../identity/world.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { promoteKeys } from '../support/promoted-keys.ts'

const day = 24 * 3_600_000
const issuer = 'https://weft.test'
const typ = 'at+jwt'
const clock = testClock()
const keyWrap = createKeyRing([{ kid: 'kek', key: new Secret(new Uint8Array(randomBytes(32))) }])
let database: TestDatabase
let superuser: pg.Client
let dbs: [Db, Db]

const replica = (db: Db, wrap = keyWrap) => createSigningKeys({ db, keyWrap: wrap, clock })

beforeAll(async () => {
  database = await createTestDatabase()
  superuser = new pg.Client({ connectionString: database.superuserUrl })
  await superuser.connect()
  await promoteKeys((text, values) => superuser.query(text, values), keyWrap)
  const connect = () => createDb({ url: new Secret(database.appUrl), poolMax: 3 })
  dbs = [connect(), connect()]
})
afterAll(async () => {
  await Promise.all(dbs?.map((db) => db.close()) ?? [])
  await superuser?.end()
  await database?.drop()
})
afterEach(async () => {
  await superuser.query('DELETE FROM signing_keys')
})

function claims() {
  const iat = Math.floor(clock.now().getTime() / 1000)
  return { iss: issuer, aud: issuer, sub: 's', jti: 'j', iat, exp: iat + 3600 }
}
const kidsOf = async (keys: ReturnType<typeof replica>) =>
  (await keys.published()).keys.map(({ kid }) => kid)
const kidOf = (token: string) => decodeProtectedHeader(token).kid

test('two replicas that both find no key make one between them, and each believes the other', async () => {
  const [a, b] = [replica(dbs[0]), replica(dbs[1])]
  const tokens = await Promise.all([a.sign(typ, claims()), b.sign(typ, claims())])
  expect(new Set(tokens.map(kidOf)).size).toBe(1)
  expect((await kidsOf(a)).length).toBe(1)
  const [one = '', other = ''] = tokens
  expect(await b.verify(one, { typ, issuer })).toMatchObject({ sub: 's' })
  expect(await a.verify(other, { typ, issuer })).toMatchObject({ sub: 's' })
})

test('a new key is published twenty-nine days before it signs, an old one until its last token is over', async () => {
  const [a, b] = [replica(dbs[0]), replica(dbs[1])]
  const first = kidOf(await a.sign(typ, claims()))
  const turn = async (ms: number) => {
    clock.advance(ms)
    await Promise.all([a.rotate(), b.rotate()])
  }
  await turn(day - 60_000)
  expect(await kidsOf(a)).toEqual([first])
  await turn(120_000)
  const [second, ...rest] = await kidsOf(b)
  expect(rest).toEqual([first])
  await turn(29 * day - 120_000)
  expect(await kidsOf(a)).toEqual([second, first])
  expect(kidOf(await b.sign(typ, claims()))).toBe(first)
  await turn(240_000)
  const last = await a.sign(typ, claims())
  expect(kidOf(last)).toBe(second)
  await turn(3_600_000)
  expect(await kidsOf(b)).toEqual([second, first])
  await turn(3_600_000)
  expect(await kidsOf(b)).toEqual([second])
  expect(await kidsOf(a)).toEqual([second])
})

test('whoever holds the published set knows every key that signs until it says', async () => {
  const keys = replica(dbs[0])
  const known = await kidsOf(keys)
  const until = await keys.publishedUntil()
  expect(until.getTime() - clock.now().getTime()).toBeGreaterThan(29 * day)
  while (clock.now() < until) {
    expect(known).toContain(kidOf(await keys.sign(typ, claims())))
    clock.advance(day)
    await keys.rotate()
  }
  expect((await keys.publishedUntil()).getTime()).toBeGreaterThan(until.getTime() + 28 * day)
  expect(known).not.toContain(kidOf(await keys.sign(typ, claims())))
})

test('a token by a key that another replica has just made is believed at once, an unknown one is looked for now and then', async () => {
  const [a, b] = [replica(dbs[0]), replica(dbs[1])]
  expect(await b.verify(await a.sign(typ, claims()), { typ, issuer })).not.toBeNull()
  await superuser.query('DELETE FROM signing_keys')
  const stranger = await replica(dbs[0]).sign(typ, claims())
  expect(await b.verify(stranger, { typ, issuer })).toBeNull()
  clock.advance(5_001)
  expect(await b.verify(stranger, { typ, issuer })).not.toBeNull()
})

test('C1 no private key lies open in the database, and none opens at another row or with another ring', async () => {
  const a = replica(dbs[0])
  await a.sign(typ, claims())
  const { rows } = await superuser.query('SELECT * FROM signing_keys')
  expect(JSON.parse(rows[0].public_jwk)).not.toHaveProperty('d')
  expect(JSON.stringify(rows)).not.toMatch(/PRIVATE|"d"/)
  const otherRing = createKeyRing([
    { kid: 'kek', key: new Secret(new Uint8Array(randomBytes(32))) }
  ])
  expect(await codeOf(replica(dbs[1], otherRing).sign(typ, claims()))).toBe('key_unavailable')
  await superuser.query("UPDATE signing_keys SET kid = 'sgk_moved'")
  expect(await codeOf(replica(dbs[1]).sign(typ, claims()))).toBe('key_unavailable')
})

test('a key that is dropped signs no more and is believed no more, and another signs at once', async () => {
  const [a, b] = [replica(dbs[0]), replica(dbs[1])]
  const stolen = await a.sign(typ, claims())
  expect(await b.verify(stolen, { typ, issuer })).not.toBeNull()
  expect(await a.drop(kidOf(stolen) ?? '')).toBe(true)
  expect(await a.verify(stolen, { typ, issuer })).toBeNull()
  await b.rotate()
  expect(await b.verify(stolen, { typ, issuer })).toBeNull()
  const fresh = await b.sign(typ, claims())
  expect(kidOf(fresh)).not.toBe(kidOf(stolen))
  expect(await a.verify(fresh, { typ, issuer })).not.toBeNull()
  expect(await kidsOf(a)).toEqual([kidOf(fresh)])
  expect(await a.drop('sgk_unknown')).toBe(false)
  expect(await kidsOf(b)).toEqual([kidOf(fresh)])
})
