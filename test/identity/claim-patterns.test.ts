import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  claimAt,
  claimMatches,
  isSaying,
  matchesPattern
} from '../../src/identity/claim-patterns.ts'
import { strangersLetIn } from '../../src/identity/shared-issuers.ts'

describe('a pattern', () => {
  test.each([
    ['', '', true],
    ['', 'a', false],
    ['a', 'a', true],
    ['a', 'A', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['a*', 'a', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*ba', 'aba', false],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/lake:ref:refs/heads/main', true],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme-evil/x:ref:refs/heads/main', false],
    ['repo:acme/lake:*', 'repo:acme/lake:pull_request', true],
    ['repo:acme/lake:*', 'xrepo:acme/lake:a', false],
    ['*.acme', 'x.acme.evil', false],
    ['a*b*c', 'a-c-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a.c', 'abc', false],
    ['[ab]+$', 'ab', false]
  ])('%j and %j: %j', (pattern, text, matches) => {
    expect(matchesPattern(pattern, text)).toBe(matches)
  })

  test('means what a regular expression of the same meaning means', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 12 })
    fc.assert(
      fc.property(letters, letters, (pattern, text) => {
        const oracle = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`)
        expect(matchesPattern(pattern, text)).toBe(oracle.test(text))
      })
    )
  })

  test('of many stars costs a long text no more than a look at each of its parts', () => {
    const pattern = `${'*a'.repeat(250)}*b`
    expect(matchesPattern(pattern, 'a'.repeat(12_000))).toBe(false)
  })

  test('says something unless it is stars alone', () => {
    expect(['', '*', '**'].map(isSaying)).toEqual([false, false, false])
    expect(isSaying('*a')).toBe(true)
  })
})

describe('a claim', () => {
  const claims = {
    repository: 'acme/lake',
    run: 7,
    ok: true,
    groups: ['one', 'two', { three: 3 }],
    'kubernetes.io': { namespace: 'etl', 'a/b': { '~': 'x' } },
    none: null
  }

  test.each([
    ['repository', 'acme/*', true],
    ['run', '7', true],
    ['ok', 'true', true],
    ['groups', 't*', true],
    ['groups', 'three', false],
    ['/kubernetes.io/namespace', 'etl', true],
    ['/kubernetes.io/a~1b/~0', 'x', true],
    ['kubernetes.io', '*', false],
    ['none', '*', false],
    ['absent', '*', false],
    ['toString', '*', false],
    ['/constructor/name', '*', false],
    ['/groups/0', 'one', true]
  ])('%s fits %s: %j', (name, pattern, matches) => {
    expect(claimMatches(pattern, claimAt(claims, name))).toBe(matches)
  })
})

describe('an issuer that anybody gets tokens of', () => {
  const github = 'https://token.actions.githubusercontent.com'
  test.each([
    [github, 'repo:acme/*', {}, false],
    [github, 'repo:acme/lake:ref:refs/heads/main', {}, false],
    [github, 'repo:*:ref:refs/heads/main', {}, true],
    [github, 'repo:acme*', {}, true],
    [github, '*:ref:refs/heads/main', {}, true],
    [github, null, { repository_owner: 'acme' }, false],
    [github, null, { repository_owner: 'acme*' }, true],
    [github, null, { ref: 'refs/heads/main' }, true],
    [github, null, { repository: 'acme/*' }, false],
    [github, null, { repository: '*/lake' }, true],
    [`${github}/`, '*x', {}, true],
    ['https://gitlab.com', 'project_path:acme/lake:*', {}, false],
    ['https://gitlab.com', 'project_path:*/lake:*', {}, true],
    ['https://gitlab.com', null, { project_id: '42' }, false],
    ['https://accounts.google.com', '1*', {}, true],
    ['https://accounts.google.com', '117', {}, false],
    ['https://app.terraform.io', 'organization:acme:*', {}, false],
    ['https://gitlab.acme.test', null, {}, false]
  ])('%s, subject %s, claims %j lets strangers in: %j', (issuer, subject, claims, isOpen) => {
    expect(strangersLetIn(issuer, { subject, claims }) !== null).toBe(isOpen)
  })
})
