import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newBearer } from '../../src/crypto/bearer.ts'
import { networkRule, parseNetwork } from '../../src/identity/source-networks.ts'
import { anId } from '../http/fakes.ts'
import { statementsOf } from '../support/statements.ts'
import { createPeople, type People, type Person } from './people.ts'
import { auditOf, codeOf, errorOf, personNamed, type Replica } from './world.ts'

let people: People
let admin: Person
let elsewhere: Replica
let count = 0
beforeAll(async () => {
  people = await createPeople()
  elsewhere = people.replica()
  admin = people.admin
})
afterAll(() => people?.close())
beforeEach(() => elsewhere.noticeChanges())

const path = '/api/v1/service-accounts'
const home = '192.0.2.9'

async function newAccount() {
  count += 1
  const { body } = await admin.call('POST', path, { name: `account ${count}` })
  return { ...body, url: `${path}/${body.id}` }
}

async function newKey(url: string, more: object = {}) {
  const answer = await admin.call('POST', `${url}/keys`, { name: 'key', ...more })
  expect(answer.status).toBe(201)
  return answer.body
}

function present(bearer: string, source = home, replica: Replica = elsewhere) {
  return replica.identity.authenticate({
    sessionToken: null,
    bearer,
    source,
    requestId: 'request-1'
  })
}

/** How another process answers to it, once it has heard of all changes. */
async function seen(bearer: string, source = home) {
  await elsewhere.noticeChanges()
  return await codeOf(present(bearer, source))
}

async function tokenOf(serviceAccountId: string, serviceKey: string, source = home) {
  const asked = { tenantSlug: null, target: null, source, requestId: 'request-2' }
  return await people.identity.serviceTokens.issue({ serviceAccountId, serviceKey, ...asked })
}

describe('C11 the keys of an account', () => {
  test('several hold at once, each to its own end; revoking one leaves the others', async () => {
    const { url } = await newAccount()
    const soon = new Date(people.clock.now().getTime() + 60_000).toISOString()
    const [first, second] = [await newKey(url), await newKey(url)]
    const third = await newKey(url, { expiresAt: soon })
    for (const { key } of [first, second, third]) expect(await seen(key)).toBe('no error')
    await admin.call('DELETE', `${url}/keys/${first.id}`)
    expect(await seen(first.key)).toBe('unauthenticated')
    people.clock.advance(60_001)
    expect(await seen(third.key)).toBe('unauthenticated')
    expect(await seen(second.key)).toBe('no error')
  })

  test('tell when they were last used, and from where', async () => {
    const { id, url } = await newAccount()
    const [used, exchanged, unused] = [await newKey(url), await newKey(url), await newKey(url)]
    await present(used.key, '2001:db8::7')
    await elsewhere.lastUses.flush()
    await tokenOf(id, exchanged.key, '198.51.100.4')
    const { body } = await admin.call('GET', `${url}/keys`)
    const told = body.items.map((key: Record<string, unknown>) => [key.id, key.lastUsedFrom])
    expect(Object.fromEntries(told)).toEqual({
      [used.id]: '2001:db8::7',
      [exchanged.id]: '198.51.100.4',
      [unused.id]: null
    })
    expect(body.items.filter((key: { lastUsedAt: unknown }) => key.lastUsedAt)).toHaveLength(2)
  })
})

describe('changing an account', () => {
  test('200 name, networks and whether it is disabled; what is left out stays', async () => {
    const { id, url, version, allowedNetworks, isDisabled } = await newAccount()
    expect([allowedNetworks, isDisabled]).toEqual([[], false])
    const networks = ['192.0.2.0/24', '2001:db8::/32']
    const one = await admin.call('PATCH', url, { version, allowedNetworks: networks })
    expect(one.body).toMatchObject({ id, allowedNetworks: networks, isDisabled: false })
    const two = await admin.call('PATCH', url, { version: version + 1, name: `renamed ${count}` })
    expect(two.body).toMatchObject({ name: `renamed ${count}`, allowedNetworks: networks })
    expect(two.headers.etag).toBe(`"${version + 2}"`)
  })

  test('400 of what is no network, and of a name that is taken', async () => {
    const { url, version } = await newAccount()
    const other = await newAccount()
    const wrong = ['10.0.0.1', '10.0.0.1/8', '0.0.0.0/0', '::/0', '10/8', '10.0.0.0/33', 'all']
    for (const network of wrong) {
      const patch = { version, allowedNetworks: ['192.0.2.0/24', network] }
      const { status, body } = await admin.call('PATCH', url, patch)
      expect([network, status, body.errors[0].pointer]).toEqual([
        network,
        400,
        '/allowedNetworks/1'
      ])
    }
    const taken = await admin.call('PATCH', url, { version, name: other.name })
    expect([taken.status, taken.body.errors[0].pointer]).toEqual([400, '/name'])
  })

  test('403 by a member, 404 of an account that is none, 412 of an older version', async () => {
    const { url, version } = await newAccount()
    const ann = await people.enter(personNamed('ann'))
    expect((await ann.call('PATCH', url, { version, name: 'x' })).status).toBe(403)
    const none = `${path}/${anId('serviceAccount')}`
    expect((await admin.call('PATCH', none, { version, name: 'x' })).status).toBe(404)
    expect((await admin.call('PATCH', url, { version: version + 1, name: 'x' })).status).toBe(412)
  })

  test('D13 a disabled account is dead on every replica, with its keys and tokens, until it is not', async () => {
    const { id, url, version } = await newAccount()
    const { key } = await newKey(url)
    const { accessToken } = await tokenOf(id, key)
    for (const bearer of [key, accessToken]) expect(await seen(bearer)).toBe('no error')
    await admin.call('PATCH', url, { version, isDisabled: true })
    for (const bearer of [key, accessToken]) expect(await seen(bearer)).toBe('unauthenticated')
    expect(await codeOf(tokenOf(id, key))).toBe('unauthenticated')
    await admin.call('PATCH', url, { version: version + 1, isDisabled: false })
    people.clock.advance(5_001)
    expect(await seen(key)).toBe('no error')
  })
})

describe('where an account may come from', () => {
  test('403 from elsewhere, by key, token and at the token endpoint, in the same words, and on record', async () => {
    const { id, url, version } = await newAccount()
    const { key } = await newKey(url)
    const { accessToken } = await tokenOf(id, key)
    await admin.call('PATCH', url, { version, allowedNetworks: ['192.0.2.0/24'] })
    await elsewhere.noticeChanges()
    const refusals = [
      await errorOf(present(key, '198.51.100.1')),
      await errorOf(present(accessToken, '2001:db8::1')),
      await errorOf(tokenOf(id, key, '198.51.100.1'))
    ]
    expect(refusals.map((error) => error?.code)).toEqual(Array(3).fill('forbidden'))
    expect(new Set(refusals.map((error) => error?.detail)).size).toBe(1)
    for (const bearer of [key, accessToken]) {
      expect(await seen(bearer, '192.0.2.200')).toBe('no error')
      expect(await seen(bearer, '::ffff:192.0.2.200')).toBe('no error')
    }
    const events = await auditOf(people, people.acme.tenantId, 'service_account.use')
    expect(events).toMatchObject([
      { outcome: 'refused', code: 'forbidden', details: { source: '198.51.100.1' } },
      { outcome: 'refused', code: 'forbidden', details: { source: '2001:db8::1' } }
    ])
  })

  test('a network holds its own addresses, whatever they are written as, and no others', () => {
    expect(parseNetwork('10.0.0.0/8')).not.toBeNull()
    const admits = networkRule(['10.0.0.0/8', '2001:db8::/32'])
    for (const source of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1::1']) {
      expect([source, admits(source)]).toEqual([source, true])
    }
    for (const source of ['11.0.0.1', '2001:db9::1', '', 'unknown', '10.0.0.0/8']) {
      expect([source, admits(source)]).toEqual([source, false])
    }
    expect(networkRule([])('anything')).toBe(true)
  })
})

describe('C11 guessing', () => {
  test('C11 ten thousand guesses are held up per source, cost a few queries, and lock nobody out', async () => {
    const { url } = await newAccount()
    const [known, proven, fresh] = [await newKey(url), await newKey(url), await newKey(url)]
    const stranger = '203.0.113.66'
    for (const { key } of [known, proven]) await present(key, stranger)
    const tally = new Map<string, number>()
    const statements = await statementsOf(async () => {
      for (let n = 0; n < 10_000; n += 1) {
        const guess = newBearer('wfts_').bearer.reveal()
        const code = await codeOf(present(guess, stranger))
        tally.set(code, (tally.get(code) ?? 0) + 1)
      }
    })
    expect(Object.fromEntries(tally)).toEqual({ unauthenticated: 30, rate_limited: 9_970 })
    expect(statements.length).toBeLessThan(30 * 10)
    const refused = await errorOf(present(fresh.key, stranger))
    expect([refused?.code, refused?.retryAt !== undefined]).toEqual(['rate_limited', true])
    // From elsewhere whoever is right comes in; so does, from behind the same address, whoever was right before.
    expect(await codeOf(present(fresh.key))).toBe('no error')
    for (const { key } of [known, proven]) {
      await people.change('SELECT 1')
      expect(await seen(key, stranger)).toBe('no error')
    }
    people.clock.advance(60_001)
    expect(await seen(newBearer('wfts_').bearer.reveal(), stranger)).toBe('unauthenticated')
  })
})
