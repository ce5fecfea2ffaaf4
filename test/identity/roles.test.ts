import { describe, expect, test } from 'vitest'
import { asId } from '../../src/base/ids.ts'
import { type Operation, operations } from '../../src/base/operations.ts'
import { authorityOf, type PrincipalFacts, roleTable } from '../../src/identity/roles.ts'

const red = asId('team', 'team_red')
const blue = asId('team', 'team_blue')
const grey = asId('team', 'team_grey')

const tenantAdmin: PrincipalFacts = { kind: 'user', role: 'tenant_admin', teams: [] }
/** Admin of red, member of blue, stranger to grey. */
const person: PrincipalFacts = {
  kind: 'user',
  role: 'member',
  teams: [
    { id: red, role: 'admin' },
    { id: blue, role: 'member' }
  ]
}
const loner: PrincipalFacts = { kind: 'user', role: 'member', teams: [] }
const serviceAccount: PrincipalFacts = { kind: 'service_account' }

function allowed(facts: PrincipalFacts, teamId?: ReturnType<typeof asId<'team'>>): Operation[] {
  const { may } = authorityOf(facts)
  return operations.filter((operation) => may(operation, teamId))
}

const own: Operation[] = [
  'capability.list',
  'connection.get',
  'connection.delete',
  'connection.put_token',
  'delegation.list',
  'delegation.create',
  'delegation.revoke',
  'endpoint.discover',
  'endpoint.query',
  'fabric.list',
  'fabric.get',
  'fabric.test',
  'fabric.sign_in',
  'fabric.usage',
  'deployment.list',
  'deployment.get',
  'deployment_run.list',
  'deployment_run.get',
  'sign_in_attempt.get',
  'sign_in_attempt.finish',
  'logout',
  'me.get',
  'me.switch_tenant',
  'session.list',
  'session.delete',
  'personal_token.list',
  'personal_token.create',
  'personal_token.revoke',
  'team.list',
  'team.get',
  'team_member.list'
]
const ofTeamAdmins: Operation[] = [
  'fabric.create',
  'fabric.update',
  'fabric.delete',
  'fabric.complete',
  'service_principal.add_secret',
  'service_principal.delete_secret',
  'fabric.usage_of_others',
  'deployment.put',
  'deployment.delete',
  'deployment_run.create',
  'deployment_run.cancel',
  'fabric.transfer',
  'federation_policy.get',
  'federation_policy.register',
  'service_principal.use',
  'member.list',
  'member.get',
  'team.update',
  'team.delete',
  'team_member.put',
  'team_member.delete'
]
const ofOperators: Operation[] = [
  'tenant.list',
  'tenant.get',
  'tenant.create',
  'tenant.update',
  'tenant.suspend',
  'tenant.resume',
  'tenant.erase',
  'operations.get',
  'incident.get',
  'incident.revoke'
]
const ofScim = operations.filter((operation) => /^scim(_user|_group)?\./.test(operation))
const publicOnes = operations.filter((operation) => roleTable[operation].length === 0)

describe('who may do what', () => {
  test('every operation is decided, and only what needs nobody is nobody’s', () => {
    expect(Object.keys(roleTable).sort()).toEqual([...operations].sort())
    expect(publicOnes).toEqual([
      'login.start',
      'login.finish',
      'login.backchannel_logout',
      'invitation.open',
      'service_token.issue',
      'health.live',
      'health.ready',
      'openapi.get',
      'oauth_metadata.get',
      'page.get'
    ])
  })

  test('a tenant admin: everything in the tenant, of every team', () => {
    const elsewhere = [...publicOnes, ...ofOperators, ...ofScim]
    const all = operations.filter((operation) => !elsewhere.includes(operation))
    expect(allowed(tenantAdmin)).toEqual(all)
    expect(allowed(tenantAdmin, grey)).toEqual(all)
    expect(authorityOf(tenantAdmin).teams).toBe('all')
  })

  test('a team admin: the fabrics of that team and their service principals', () => {
    expect(allowed(person, red).sort()).toEqual([...own, ...ofTeamAdmins].sort())
  })

  test('a member: sees and uses the team’s fabrics as themself', () => {
    expect(allowed(person, blue).sort()).toEqual([...own].sort())
  })

  test('a stranger to the team: nothing', () => {
    expect(allowed(person, grey)).toEqual([])
    expect(allowed(loner, red)).toEqual([])
  })

  test('without a team: whatever is possible somewhere', () => {
    expect(allowed(person).sort()).toEqual([...own, ...ofTeamAdmins].sort())
    expect(allowed(loner).sort()).toEqual([...own].sort())
    expect(authorityOf(person).teams).toEqual([red, blue])
  })

  test('D5 a service account: discovers and asks endpoints through service principals, and nothing else', () => {
    const three = ['endpoint.discover', 'endpoint.query', 'service_principal.use']
    expect(allowed(serviceAccount)).toEqual(three)
    expect(allowed(serviceAccount, red)).toEqual(three)
    expect(authorityOf(serviceAccount).teams).toEqual([])
  })

  test('a platform operator: the tenants, and nothing more inside one than without that', () => {
    for (const facts of [loner, person]) {
      const operator: PrincipalFacts = { ...facts, isPlatformOperator: true }
      for (const team of [undefined, red, blue, grey]) {
        const more = allowed(operator, team).filter((one) => !allowed(facts, team).includes(one))
        expect(more).toEqual(ofOperators)
      }
      expect(authorityOf(operator).teams).toEqual(authorityOf(facts).teams)
    }
  })

  test('D5 a SCIM token: what SCIM does, and nothing else', () => {
    expect(allowed({ kind: 'scim_token' })).toEqual(ofScim)
    expect(ofScim).toHaveLength(11)
  })

  test('what the table does not know is refused', () => {
    for (const name of ['tenant.rename', 'constructor', '__proto__', '']) {
      expect(authorityOf(tenantAdmin).may(name as Operation)).toBe(false)
    }
  })
})
