import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anonymous } from '../http/fakes.ts'
import { createPeople, type People, type Person } from './people.ts'
import { auditOf, callbackOf, errorOf, personNamed } from './world.ts'

let people: People
let admin: Person
beforeAll(async () => {
  people = await createPeople()
  admin = people.admin
  // From now on nobody joins by logging in alone.
  await people.sql(`UPDATE login_providers SET email_domains = '{nobody.test}'`)
})
afterAll(() => people?.close())

const path = '/api/v1/invitations'

async function invite(email: string, more: object = {}) {
  const { status, body } = await admin.call('POST', path, { email, role: 'member', ...more })
  expect(status).toBe(201)
  return { id: body.id as string, link: new URL(body.link).pathname, body }
}

/** Opens the link in a fresh browser and logs in as `claims`. */
async function accept(link: string, claims: JWTPayload, tenantSlug = 'acme') {
  const opened = await people.send('GET', link, anonymous)
  const cookies = [opened.headers['set-cookie'] ?? []].flat().map(String)
  const invitationToken =
    cookies.map((text) => /^__Host-weft_invitation=([^;]+)/.exec(text)?.[1]).find(Boolean) ?? null
  const work = people.login(claims, { tenantSlug, invitationToken })
  return { opened, error: await errorOf(work), session: await work.catch(() => null) }
}

describe('an invitation', () => {
  test('C11 its link is shown once, and only a hash of it is kept', async () => {
    const { body, link } = await invite('ann@acme.test')
    expect(body).toMatchObject({ email: 'ann@acme.test', role: 'member', status: 'pending' })
    const token = link.split('/').at(-1) ?? ''
    expect(token).toHaveLength(43)
    const listed = await admin.call('GET', path)
    expect(listed.body.items[0]).toEqual({ ...body, link: undefined })
    const rows = [
      await people.sql('SELECT * FROM invitations'),
      await people.sql('SELECT * FROM audit_events'),
      await people.sql('SELECT * FROM login_attempts')
    ]
    expect(JSON.stringify(rows)).not.toContain(token)
  })

  test('lets the invited in, with role and teams, once', async () => {
    const { body: team } = await admin.call('POST', '/api/v1/teams', { name: 'Red' })
    const { link, id } = await invite('Bob@acme.test', { role: 'tenant_admin', teamIds: [team.id] })
    const { opened, session } = await accept(link, personNamed('bob'))
    expect([opened.status, opened.headers.location]).toEqual([302, '/auth/login?tenant=acme'])
    const caller = await people.callerOf(session?.sessionToken ?? '')
    const me = await people.identity.sessions.me(caller)
    expect(me).toMatchObject({ role: 'tenant_admin' })
    expect(me.teams.map(({ name }) => name).sort()).toEqual(['Everyone', 'Red', 'bob@acme.test'])
    const { items } = (await admin.call('GET', path)).body
    expect(items.find((item: { id: string }) => item.id === id)).toMatchObject({
      status: 'accepted',
      acceptedBy: me.user.id
    })
    expect(await auditOf(people, people.acme.tenantId, 'invitation.accept')).toHaveLength(1)
    const again = await people.send('GET', link, anonymous)
    expect(again.status).toBe(410)
    expect(again.text).toContain('This link was used or has expired')
  })

  test('raises a member and never lowers one', async () => {
    await accept((await invite('cat@acme.test')).link, personNamed('cat'))
    const raised = await accept(
      (await invite('cat@acme.test', { role: 'tenant_admin' })).link,
      personNamed('cat')
    )
    expect(raised.error).toBeNull()
    const kept = await accept((await invite('cat@acme.test')).link, personNamed('cat'))
    const caller = await people.callerOf(kept.session?.sessionToken ?? '')
    expect((await people.identity.sessions.me(caller)).role).toBe('tenant_admin')
  })

  test('A8 is for the invited, verified address only: look-alikes are refused and spend nothing', async () => {
    const { link } = await invite('dan@acme.test')
    const alikes: JWTPayload[] = [
      { email: 'eve@acme.test' },
      { email: 'dan@acme.test', email_verified: false },
      { email: 'dan@acme.test', email_verified: 'true' },
      { email: 'dan@acme.test@acme.test' },
      { email: 'dan＠acme.test' },
      { email: 'dan@acme.test.' },
      { email: '"dan"@acme.test' },
      { email: 'dan@acme.test ' },
      { email: 'dаn@acme.test' },
      { email: ['dan@acme.test'] as unknown as string },
      { email: undefined as unknown as string }
    ]
    for (const [at, claims] of alikes.entries()) {
      const { error, session } = await accept(link, {
        ...personNamed(`alike-${at}`),
        ...claims
      })
      expect(session, JSON.stringify(claims)).toBeNull()
      expect(error?.code).toBe('forbidden')
      expect(error?.detail).toContain('another address')
      expect(error?.detail).not.toContain('dan')
    }
    const upper = await accept(link, personNamed('dan', { email: 'DAN@acme.test' }))
    expect(upper.error).toBeNull()
  })

  test('A8 the same address from another organisation’s provider is another person', async () => {
    await people.createTenant('globex', ['nobody.test'])
    const { link } = await invite('fay@acme.test')
    const { error } = await accept(link, personNamed('fay'), 'globex')
    expect(error?.code).toBe('forbidden')
    expect((await accept(link, personNamed('fay'))).error).toBeNull()
  })

  test('is over when its time is, when it is withdrawn, and when it never was', async () => {
    const late = await invite('gil@acme.test', { expiresInHours: 1 })
    const started = await people.start()
    const token = late.link.split('/').at(-1) ?? ''
    people.clock.advance(3_600_001)
    const withdrawn = await invite('gil@acme.test')
    expect((await admin.call('DELETE', `${path}/${withdrawn.id}`)).status).toBe(204)
    expect((await admin.call('DELETE', `${path}/${withdrawn.id}`)).status).toBe(404)
    for (const link of [
      late.link,
      withdrawn.link,
      `/invitations/${'x'.repeat(43)}`,
      '/invitations/x'
    ]) {
      expect((await people.send('GET', link, anonymous)).status).toBe(410)
    }
    // Opened in time, and no longer there when the login ends.
    const callback = callbackOf(started, people.oidc.authorize(started, personNamed('gil')))
    const finish = people.identity.login.finish({ ...callback, invitationToken: token })
    expect(['attempt_expired', 'forbidden']).toContain((await errorOf(finish))?.code)
    const { items } = (await admin.call('GET', path)).body
    expect(items.find(({ id }: { id: string }) => id === late.id).status).toBe('expired')
  })

  test('D13 of two who accept it at once, one identity does', async () => {
    const { link } = await invite('hal@acme.test')
    const [one, other] = await Promise.all(
      ['hal-1', 'hal-2'].map((sub) => accept(link, personNamed('hal', { sub })))
    )
    expect([one?.error, other?.error].filter((error) => error === null)).toHaveLength(1)
    const rows = await people.sql(`SELECT FROM users WHERE email = 'hal@acme.test'`)
    const members = await people.sql(
      `SELECT FROM memberships m JOIN users u ON u.id = m.user_id WHERE email = 'hal@acme.test'`
    )
    expect([rows.length >= 1, members.length]).toEqual([true, 1])
  })

  test('D13 does not outlive a removal: what lay open for that address is gone', async () => {
    const { session } = await accept((await invite('ida@acme.test')).link, personNamed('ida'))
    const { scope } = await people.callerOf(session?.sessionToken ?? '')
    const open = await invite('ida@acme.test', { role: 'tenant_admin' })
    expect((await admin.call('DELETE', `/api/v1/members/${scope.actor.id}`)).status).toBe(204)
    expect((await people.send('GET', open.link, anonymous)).status).toBe(410)
  })
})

describe('inviting', () => {
  test('400 for what is no address, role, team or time; 404 for a team of another tenant', async () => {
    const foreign = await people.sql<{ id: string }>(
      `SELECT t.id FROM teams t JOIN tenants n ON n.id = t.tenant_id WHERE n.slug = 'globex'`
    )
    for (const [body, status] of [
      [{ email: 'no address', role: 'member' }, 400],
      [{ email: 'a@b@acme.test', role: 'member' }, 400],
      [{ email: 'a@acme.test' }, 400],
      [{ email: 'a@acme.test', role: 'owner' }, 400],
      [{ email: 'a@acme.test', role: 'member', expiresInHours: 721 }, 400],
      [{ email: 'a@acme.test', role: 'member', expiresInHours: 0 }, 400],
      [{ email: 'a@acme.test', role: 'member', tenantId: 'ten_x' }, 400],
      [{ email: 'a@acme.test', role: 'member', teamIds: [foreign[0]?.id] }, 404]
    ] as const) {
      expect((await admin.call('POST', path, body)).status, JSON.stringify(body)).toBe(status)
    }
  })

  test('403 for members, 404 for another tenant’s admin', async () => {
    const { link, id } = await invite('jim@acme.test')
    const { session } = await accept(link, personNamed('jim'))
    const caller = await people.callerOf(session?.sessionToken ?? '')
    const { list, create, remove } = people.identity.invitations
    const invitation = { email: 'x@acme.test', role: 'member' } as const
    for (const work of [
      list(caller.scope, { limit: 1, cursor: null }),
      create(caller.scope, invitation),
      remove(caller.scope, id as never)
    ]) {
      expect((await errorOf(work))?.code).toBe('forbidden')
    }
    await people.sql(`UPDATE login_providers SET email_domains = '{}'`)
    const zoe = await people.enter(personNamed('zoe'), 'globex')
    await people.promote(zoe)
    expect((await zoe.call('DELETE', `${path}/${id}`)).status).toBe(404)
    expect((await zoe.call('GET', path)).body.items).toEqual([])
  })
})
