import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { anonymous } from '../http/fakes.ts'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import type { Answer, Person } from './people.ts'
import { audience, createWorkloads, subject, type Workloads } from './workloads.ts'
import { auditOf, publicUrl } from './world.ts'

let world: Workloads
let member: Person
let account: Awaited<ReturnType<Workloads['account']>>

beforeAll(async () => {
  world = await createWorkloads()
  member = await world.member('ann')
  account = await world.account()
})
afterAll(() => world?.close())
afterEach(() => world.oidc.reset())

const github = 'https://token.actions.githubusercontent.com'
const base = { name: 'new', issuer: 'https://idp.acme.test', audience, subject: 'a' }
const make = (input: object) => world.admin.call('POST', account.path, { ...base, ...input })
const pointersOf = ({ status, body }: Answer) => {
  expect([status, body.code]).toEqual([400, 'invalid_request'])
  return body.errors.map(({ pointer }: { pointer: string }) => pointer)
}

describe('a federated identity', () => {
  test('201, 200, 204: is made, read, listed, changed by its version and deleted, each on record', async () => {
    const made = await make({ claims: { environment: 'prod' }, maxAgeSeconds: 60, oneUse: true })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ ...base, jwksUri: null, jwks: null, lastUsedAt: null })
    const one = `${account.path}/${made.body.id}`
    expect((await world.admin.call('GET', one)).body).toEqual(made.body)
    const { items } = (await world.admin.call('GET', account.path)).body
    expect(items).toContainEqual(made.body)
    const patch = { subject: null, claims: { environment: null, team: 'etl' }, version: 1 }
    const changed = await world.admin.call('PATCH', one, patch)
    expect(changed.body).toMatchObject({ subject: null, claims: { team: 'etl' }, version: 2 })
    expect(changed.headers.etag).toBe('"2"')
    expect((await world.admin.call('PATCH', one, patch)).body.code).toBe('version_conflict')
    expect((await world.admin.call('DELETE', one)).status).toBe(204)
    expect((await world.admin.call('GET', one)).body.code).toBe('not_found')
    for (const action of ['create', 'update', 'delete']) {
      const records = await auditOf(world, world.acme.tenantId, `federated_identity.${action}`)
      expect(records.at(-1)?.outcome).toBe('succeeded')
    }
  })

  test('400 for what would believe anybody, and for what is not what it should be', async () => {
    const jwk = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'k' }
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const secret = await exportJWK(privateKey)
    const cases: [object, string[]][] = [
      [{ subject: '*' }, ['/subject']],
      [{ subject: null }, ['/subject']],
      [{ subject: '**', claims: { a: '*' } }, ['/subject']],
      [{ issuer: github, subject: 'repo:*' }, ['/subject']],
      [{ issuer: publicUrl }, ['/issuer']],
      [{ issuer: 'http://idp.acme.test' }, ['/issuer']],
      [{ issuer: 'https://127.0.0.1' }, ['/issuer']],
      [{ issuer: 'https://idp.acme.test?x' }, ['/issuer']],
      [{ issuer: 'ftp://idp.acme.test', jwks: { keys: [jwk] } }, ['/issuer']],
      [{ jwksUri: 'https://169.254.169.254/keys' }, ['/jwksUri']],
      [{ jwks: { keys: [secret] } }, ['/jwks/keys/0']],
      [{ jwks: { keys: [{ ...jwk, x: 'AA' }] } }, ['/jwks/keys/0']],
      [{ jwks: { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] } }, ['/jwks/keys/0']],
      [{ jwks: { keys: [jwk] }, jwksUri: 'https://idp.acme.test/k' }, ['/jwks']],
      [{ claims: { aud: 'a', iss: 'b' } }, ['/claims/aud', '/claims/iss']],
      [{ issuer: 7, extra: 1, name: '' }, ['/extra', '/issuer', '/name']],
      [{ subject: 'a'.repeat(513), maxAgeSeconds: 0 }, ['/maxAgeSeconds', '/subject']],
      [{ jwks: { keys: [{ kty: 'oct', k: 'x' }] } }, ['/jwks/keys/0/kty']]
    ]
    for (const [input, pointers] of cases) {
      expect(pointersOf(await make(input)).toSorted(), JSON.stringify(input)).toEqual(pointers)
    }
    const taken = await make({ name: 'cluster' })
    expect(pointersOf(taken)).toEqual(['/name'])
    const narrowed = { subject: null, version: 1 }
    const one = `${account.path}/${account.identityId}`
    expect(pointersOf(await world.admin.call('PATCH', one, narrowed))).toEqual(['/subject'])
  })

  test('409 beyond twenty of one account', async () => {
    const { path } = await world.account()
    const names = Array.from({ length: 20 }, (_, n) => `n${n}`)
    const answers = await Promise.all(
      names.map((name) => world.admin.call('POST', path, { ...base, name }))
    )
    const statuses = answers.map(({ status }) => status).toSorted()
    expect(statuses.slice(-2)).toEqual([201, 409])
  })

  test('404 for another tenant, in the same words as for none, and 403 for whoever is no admin', async () => {
    const globex = await world.createTenant('globex')
    expect(globex.tenantId).toBeDefined()
    const gus = await world.enter(
      { sub: 'gus', email: 'gus@globex.test', email_verified: true },
      'globex'
    )
    await world.sql(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1`, [gus.id])
    await world.sql('UPDATE tenants SET version = version + 1')
    await world.noticeChanges()
    const one = `${account.path}/${account.identityId}`
    const none = `/api/v1/service-accounts/sva_${'0'.repeat(26)}/federated-identities`
    const ask = (person: Person, path: string, at: string) =>
      Promise.all([
        person.call('GET', path),
        person.call('POST', path, base),
        person.call('POST', `${path}/test`, { jwt: 'eyJ' }),
        person.call('GET', at),
        person.call('PATCH', at, { version: 1 }),
        person.call('DELETE', at)
      ])
    const details = (answers: Answer[]) =>
      answers.map(({ status, body: { code, title, detail } }) => ({ status, code, title, detail }))
    const foreign = await ask(gus, account.path, one)
    const absent = await ask(gus, none, `${none}/fid_${'0'.repeat(26)}`)
    expect(details(foreign)).toEqual(details(absent))
    expect(new Set(foreign.map(({ status }) => status))).toEqual(new Set([404]))
    const refused = await ask(member, account.path, one)
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([403]))
    expect((await world.send('GET', account.path, anonymous)).status).toBe(401)
  })
})

describe('the tester', () => {
  const ask = (jwt: string, more: object = {}) =>
    world.admin.call('POST', `${account.path}/test`, { jwt, ...more })
  const failing = (answer: Answer) =>
    answer.body.identities[0].checks
      .filter(({ matches }: { matches: boolean }) => !matches)
      .map(({ check }: { check: string }) => check)

  test('200 tells check by check what was expected and what was found, in words', async () => {
    const { status, body } = await ask(await world.sign())
    expect(status).toBe(200)
    expect(body).toMatchObject({ accepted: true, detail: 'It gets a token, by "cluster"' })
    expect(body.header).toMatchObject({ alg: 'ES256', kid: world.oidc.key.kid })
    const [identity] = body.identities
    expect(identity.checks.map(({ check }: { check: string }) => check)).toEqual([
      'algorithm',
      'type',
      'issuer',
      'audience',
      'expiry',
      'not_before',
      'issued_at',
      'lifetime',
      'subject',
      'keys',
      'signature'
    ])
    expect(identity.checks).toContainEqual({
      check: 'subject',
      claim: 'sub',
      expected: subject,
      found: subject,
      matches: true,
      detail: null
    })
  })

  test('says what the token endpoint would, whatever is wrong', async () => {
    const iat = world.claims().iat ?? 0
    const stranger = await newSigningKey(world.oidc.key.kid)
    const cases: [string, string[]][] = [
      [await world.sign(world.claims({ aud: 'other' })), ['audience']],
      [await world.sign(world.claims({ sub: 'other', exp: iat - 60 })), ['expiry', 'subject']],
      [await world.sign(world.claims({ iss: 'https://other.test' })), ['issuer']],
      [await world.sign(world.claims({ nonce: 'n' })), ['type']],
      [await signWith(stranger)(world.claims()), ['signature']]
    ]
    for (const [jwt, checks] of cases) {
      const answer = await ask(jwt)
      expect(answer.body.accepted).toBe(false)
      expect(failing(answer)).toEqual(checks)
      expect(answer.body.detail).toContain('Nearest is "cluster", but for: ')
      expect((await world.exchange(account.id, jwt)).said).toBe('invalid_request')
    }
    const idToken = await world.sign(world.claims({ nonce: 'n' }))
    expect((await ask(idToken, { subjectTokenType: 'id_token' })).body.accepted).toBe(true)
  })

  test('tells keys that can’t be had from a signature that is wrong', async () => {
    world.oidc.script.discoveryStatus = 500
    const issuer = `${world.oidc.issuer}/`
    const { path } = await world.account({ issuer })
    const jwt = await world.sign(world.claims({ iss: issuer }))
    const answer = await world.admin.call('POST', `${path}/test`, { jwt })
    expect(failing(answer)).toEqual(['keys', 'signature'])
    expect(answer.body.detail).toContain("The keys can't be had")
  })

  test('knows an assertion that was used, and uses none', async () => {
    const once = await world.account({ oneUse: true })
    const jwt = await world.sign()
    const test = () => world.admin.call('POST', `${once.path}/test`, { jwt })
    expect((await test()).body.accepted).toBe(true)
    expect((await test()).body.accepted).toBe(true)
    expect((await world.exchange(once.id, jwt)).said).toBe('token')
    const after = await test()
    expect([after.body.accepted, failing(after)]).toEqual([false, ['one_use']])
    expect(after.body.detail).toContain('It was used already')
  })

  test('200 for what is no JWT, and for an account that believes nobody', async () => {
    expect((await ask('abc')).body).toMatchObject({ accepted: false, header: null })
    const { body } = await world.admin.call('POST', '/api/v1/service-accounts', { name: 'none' })
    const path = `/api/v1/service-accounts/${body.id}/federated-identities/test`
    const answer = await world.admin.call('POST', path, { jwt: await world.sign() })
    expect(answer.body.detail).toBe('The service account has no federated identity yet')
  })

  test('C1 the JWT is nowhere in the database, tested or exchanged', async () => {
    const jwt = await world.sign()
    await ask(jwt)
    expect((await world.exchange(account.id, jwt)).said).toBe('token')
    const tables = await world.sql<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
    )
    const rows: unknown[] = []
    for (const { name } of tables) rows.push(await world.sql(`SELECT * FROM ${name}`))
    const text = JSON.stringify(rows, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value
    )
    const parts = jwt.split('.')
    for (const part of parts.slice(1)) expect(text).not.toContain(part)
  })
})
