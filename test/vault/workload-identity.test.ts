import { randomBytes } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asId, newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import { createAccessTokens } from '../../src/identity/access-tokens.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { createSigningKeys, type SigningKeys } from '../../src/vault/signing-keys.ts'
import { createWorkloadIdentity, subjectOf } from '../../src/vault/workload-identity.ts'
import { testClock } from '../identity/world.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { promoteKeys } from '../support/promoted-keys.ts'

const publicUrl = 'https://weft.test'
const audience = 'https://dbc.test/oidc/v1/token'
const clock = testClock()
const keyWrap = createKeyRing([{ kid: 'kek', key: new Secret(new Uint8Array(randomBytes(32))) }])
const fabric = {
  tenantId: newId('tenant', clock),
  teamId: newId('team', clock),
  id: newId('fabric', clock)
}
let database: TestDatabase
let db: Db
let signingKeys: SigningKeys

beforeAll(async () => {
  database = await createTestDatabase()
  const superuser = new pg.Client({ connectionString: database.superuserUrl })
  await superuser.connect()
  await promoteKeys((text, values) => superuser.query(text, values), keyWrap)
  await superuser.end()
  db = createDb({ url: new Secret(database.appUrl), poolMax: 2 })
  signingKeys = createSigningKeys({ db, keyWrap, clock })
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})
const workloads = () => createWorkloadIdentity({ signingKeys, clock, publicUrl })

test('a fabric’s JWT names tenant, team and fabric, one audience, and ends within the hour', async () => {
  const token = (await workloads().tokenFor(fabric, audience)).reveal()
  const { json } = await workloads().keys()
  const currentDate = clock.now()
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(JSON.parse(json)), {
    issuer: publicUrl,
    audience,
    currentDate
  })
  expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'JWT' })
  expect(payload.sub).toBe(`tenant:${fabric.tenantId}:team:${fabric.teamId}:fabric:${fabric.id}`)
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600)
  expect(payload.jti).not.toBe(
    decodeJwt((await workloads().tokenFor(fabric, audience)).reveal()).jti
  )
})

test('no fabric’s subject is another’s, nor its own after it went to another team', () => {
  const others = [
    { ...fabric, id: newId('fabric', clock) },
    { ...fabric, teamId: newId('team', clock) },
    { ...fabric, tenantId: newId('tenant', clock) }
  ]
  expect(new Set([fabric, ...others].map(subjectOf)).size).toBe(4)
})

test('a fabric’s JWT is no access token of Weft’s, and an access token of Weft’s no fabric’s', async () => {
  const accessTokens = createAccessTokens({ signingKeys, publicUrl })
  const jwt = (await workloads().tokenFor(fabric, publicUrl)).reveal()
  expect(await accessTokens.read(jwt)).toBeNull()
  const access = await accessTokens.issue({
    tenantId: asId('tenant', fabric.tenantId),
    serviceAccountId: newId('serviceAccount', clock),
    credentialId: newId('key', clock),
    credentialVersion: null,
    tokenId: newId('token', clock),
    fabricId: asId('fabric', fabric.id),
    issuedAt: clock.now(),
    expiresAt: new Date(Math.floor(clock.now().getTime() / 1000) * 1000 + 60_000)
  })
  expect(await accessTokens.read(access)).not.toBeNull()
  expect(await signingKeys.verify(access, { typ: 'JWT', issuer: publicUrl })).toBeNull()
  const { aud, sub } = decodeJwt(access)
  expect(sub).not.toContain('fabric:')
  expect(aud).not.toContain('/oidc/v1/token')
})
