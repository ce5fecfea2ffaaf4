import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { CommandRooms, ProcessDeeds } from '../../src/commands/command.ts'
import { type CommandEnd, commands, readCommandLine } from '../../src/commands/commands.ts'
import { processCommands } from '../../src/commands/process.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import type { Finding } from '../../src/jobs/examination.ts'
import { auditOf, clientSecret, createWorld, personNamed, type World } from '../identity/world.ts'

let world: World
/** Has tests of its own, on a database of its own. */
const noRotation: CommandRooms['keyRotation'] = {
  status: async () => ({ sealingKid: 'k1', keys: [], replicas: [] }),
  rotate: async () => {
    throw new AppError('conflict', { note: 'not here' })
  }
}
let findings: Finding[] = []
const deeds: ProcessDeeds = {
  checkConfig() {
    throw new ConfigError([{ variable: 'WEFT_PORT', message: 'is needed' }])
  },
  migrate: async () => ['20260101000000_foundation'],
  examine: async () => findings
}
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())

async function weft(line: string, input = ''): Promise<CommandEnd> {
  const invocation = readCommandLine(line.split(' '), '1.2.3')
  if (invocation === null) throw new TypeError(`${line} is no command`)
  if ('act' in invocation) return await invocation.act(deeds)
  return 'end' in invocation
    ? invocation.end
    : await invocation.run({
        dataKeyRotation: {
          rotate: async (tenantId) => ({ tenantId, dataKeyId: 'dek_1', resealed: 3, retired: [] })
        },
        dropSigningKey: async (kid) => ({ kid, tenants: 1 }),
        ...world,
        audit: world.anchors,
        keyRotation: noRotation,
        tell: () => undefined,
        readInput: async () => input,
        readFile: (path) => {
          if (path !== 'heads.log') throw new TypeError('no such file')
          return input
        }
      })
}

const jsonOf = async (line: string, input = '') => {
  const { code, out } = await weft(`${line} --json`, input)
  return { code, answer: JSON.parse(out) }
}

describe('the command line', () => {
  test('each command tells how it is written, without an environment, and is refused in other words', async () => {
    for (const { name } of [...processCommands, ...commands]) {
      const help = await weft(`${name} --help`)
      expect([help.code, help.err]).toEqual([0, ''])
      expect(help.out).toContain(`weft ${name}`)
      const faulty = await weft(`${name} --no-such-option`)
      expect([faulty.code, faulty.out]).toEqual([2, ''])
      expect((await weft(`${name}${' word'.repeat(21)}`)).code).toBe(2)
    }
    expect((await weft('tenant forget acme')).code).toBe(2)
    expect((await weft('tenant --help')).code).toBe(0)
    expect(readCommandLine([], '1.2.3')).toBeNull()
    expect((await weft('--version')).out).toBe('1.2.3\n')
    expect((await weft('forget everything')).code).toBe(2)
  })

  test.each([
    'tenant create --slug x',
    'tenant create --slug x --name X --login-issuer https://i.test',
    'tenant create --slug x --name X --login-issuer https://i.test --login-client-id c',
    'tenant suspend',
    'tenant erase acme',
    'operator add',
    'operator add --email a@b.test',
    'operator add usr_1 --email a@b.test --issuer https://i.test',
    'audit head',
    'audit verify',
    'audit verify --tenant acme --anchor none.log',
    'keys rotate --wait soon',
    'keys rotate --data',
    'keys rotate --tenant acme',
    'keys rotate --data --to k2 --tenant acme',
    'keys drop-signing sgk_1 --confirm sgk_2'
  ])('2 and nothing done: weft %s', async (line) => {
    const { code, out, err } = await weft(line)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^weft: /)
  })
})

describe('the process', () => {
  test('1 each fault of the environment, in words and in JSON', async () => {
    const { code, err } = await weft('config check')
    expect([code, err]).toEqual([1, expect.stringContaining('  WEFT_PORT: is needed')])
    expect(await jsonOf('config check')).toEqual({
      code: 1,
      answer: { isGood: false, faults: [{ variable: 'WEFT_PORT', message: 'is needed' }] }
    })
  })

  test('0 what was migrated', async () => {
    expect((await weft('migrate')).out).toBe('applied: 20260101000000_foundation\n')
  })

  test('the doctor ends with 1 where something failed, and says what to do about it', async () => {
    findings = [
      { check: 'database', status: 'passed', detail: 'answers', remedy: null },
      { check: 'clock', status: 'warned', detail: '3 s off', remedy: 'set it right' }
    ]
    const well = await weft('doctor')
    expect(well.code).toBe(0)
    expect(well.out).toMatch(
      /^passed {3}database {2}answers\nwarned {3}clock {5}3 s off\n +→ set it right\n/
    )
    expect(well.out).toMatch(/1 passed, 1 warned, 0 failed, 0 skipped\n$/)
    findings = [{ check: 'role', status: 'failed', detail: 'owns tables', remedy: 'another' }]
    expect(await jsonOf('doctor https://one.test')).toEqual({ code: 1, answer: findings })
  })

  test.each(['bash', 'zsh', 'fish'])(
    'completions for %s name every command and option',
    async (shell) => {
      const { code, out } = await weft(`completion ${shell}`)
      expect(code).toBe(0)
      for (const { name, options } of [...processCommands, ...commands]) {
        for (const word of [...name.split(' '), ...Object.keys(options)])
          expect(out).toContain(word)
      }
      expect((await weft('completion')).code).toBe(2)
      expect((await weft('completion sh')).code).toBe(2)
    }
  )

  test('bash itself completes a group, a verb and an option', async () => {
    const { out } = await weft('completion bash')
    const complete = async (...words: string[]) => {
      const line = `${out}\nCOMP_WORDS=(weft ${words.join(' ')}); COMP_CWORD=${words.length}; _weft; echo "\${COMPREPLY[*]}"`
      return (await promisify(execFile)('bash', ['-c', line])).stdout.trim()
    }
    expect(await complete('ten')).toBe('tenant')
    expect(await complete('tenant', 'su')).toBe('suspend')
    expect(await complete('tenant', 'create', '--log')).toContain('--login-issuer')
    expect(await complete('doctor', '--j')).toBe('--json')
  })
})

describe('tenants', () => {
  test('0 made, listed, suspended, resumed and erased, by slug and by id', async () => {
    const made = await jsonOf('tenant create --slug one --name One --admin ann@one.test')
    expect(made).toMatchObject({ code: 0, answer: { redirectUri: null } })
    const { tenantId } = made.answer
    const listed = await jsonOf('tenant list')
    expect(listed.answer.map(({ slug }: { slug: string }) => slug)).toEqual(['one', 'acme'])
    expect((await weft('tenant list')).out).toMatch(
      /^ten_\w+ {2}active {5}one {2}0 members {2}One$/m
    )
    expect((await jsonOf('tenant suspend one')).answer.status).toBe('suspended')
    expect((await jsonOf(`tenant resume ${tenantId}`)).answer.status).toBe('active')
    const wrong = await jsonOf('tenant erase one --confirm acme')
    expect(wrong).toMatchObject({ code: 1, answer: { code: 'invalid_request' } })
    const { code, answer } = await jsonOf(`tenant erase ${tenantId} --confirm one`)
    expect(code).toBe(0)
    expect(answer).toMatchObject({ tenantId, slug: 'one', erasedBy: { kind: 'system', id: 'cli' } })
    expect(answer.finishedAt).not.toBeNull()
    expect((await jsonOf('tenant suspend one')).code).toBe(1)
  })

  test('0 made with a login provider, its secret from standard input, as often as one likes', async () => {
    const { issuer } = world.oidc
    const line = `tenant create --slug two --name Two --login-issuer ${issuer} --login-client-id c --login-client-secret-stdin`
    const first = await jsonOf(line, `${clientSecret}\n`)
    expect(first.answer.redirectUri).toContain(first.answer.loginProviderId)
    expect((await jsonOf(line, clientSecret)).answer).toEqual(first.answer)
    const bare = await weft('tenant create --slug two --name Two')
    expect([bare.code, bare.err]).toEqual([1, 'weft: invalid_request: /slug: is taken\n'])
  })
})

describe('audit', () => {
  test('0 a head is told and holds; 1 where it no longer does, or is none', async () => {
    const { answer } = await jsonOf('audit head --tenant acme')
    expect(answer).toMatchObject({
      tenantId: world.acme.tenantId,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/)
    })
    expect((await weft('audit head --tenant acme')).out).toContain(answer.hash)
    const verify = 'audit verify --tenant acme --anchor heads.log'
    const line = JSON.stringify({ msg: 'audit head', ...answer })
    expect(await jsonOf(verify, line)).toMatchObject({ code: 0, answer: { isIntact: true } })
    expect((await weft('audit verify --tenant acme')).out).toBe(`intact: ${answer.seq} records\n`)
    expect(await weft(verify, 'nothing')).toMatchObject({ code: 1, out: '' })
    await world.sql(`DELETE FROM audit_events WHERE seq = ${answer.seq}`)
    expect(await weft(verify, line)).toMatchObject({
      code: 1,
      out: `NOT intact: record ${answer.seq} is cut; ${answer.seq - 1} records before it hold\n`
    })
    expect((await weft('audit verify --tenant nobody')).code).toBe(1)
  })
})

describe('keys', () => {
  test('0 each answers in words and in JSON; what is refused tells its code', async () => {
    expect((await weft('keys status')).code).toBe(0)
    expect((await jsonOf('keys status')).answer).toMatchObject({ sealingKid: 'k1' })
    expect(await jsonOf('keys rotate')).toMatchObject({ code: 1, answer: { code: 'conflict' } })
    const data = await jsonOf('keys rotate --data --tenant acme')
    expect(data).toMatchObject({ code: 0, answer: { dataKeyId: 'dek_1', resealed: 3 } })
    expect((await weft('keys rotate --data --tenant nobody')).code).toBe(1)
    expect((await weft('keys drop-signing sgk_1 --confirm sgk_1')).out).toContain('sgk_1')
  })
})

describe('operators', () => {
  test('0 added by id or by verified address, listed, removed', async () => {
    const { issuer } = world.oidc
    const { sessionToken } = await world.login(personNamed('ann'))
    const { id } = (await world.callerOf(sessionToken)).scope.actor
    const added = await jsonOf(`operator add --email ann@acme.test --issuer ${issuer}`)
    expect(added).toMatchObject({ code: 0, answer: { userId: id, email: 'ann@acme.test' } })
    expect((await world.callerOf(sessionToken)).scope.authority.may('tenant.list')).toBe(true)
    expect((await weft('operator list')).out).toBe(`${id}  ann@acme.test  ${issuer}  ann\n`)
    expect((await jsonOf(`operator remove ${id}`)).code).toBe(0)
    expect((await weft(`operator remove ${id}`)).code).toBe(1)
    expect((await jsonOf('operator list')).answer).toEqual([])
    for (const action of ['operator.add', 'operator.remove']) {
      expect(await auditOf(world, world.acme.tenantId, action)).toHaveLength(1)
    }
    expect((await world.callerOf(sessionToken)).scope.authority.may('tenant.list')).toBe(false)
  })
})
