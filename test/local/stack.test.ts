import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { announcement } from '../../src/local/announcement.ts'
import { emptyDataFolder } from '../../src/local/data-folder.ts'
import { alive, family } from '../support/processes.ts'
import { repository, type StartedStack, startStack } from '../support/stack.ts'

const run = promisify(execFile)

let stack: StartedStack
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weft-test-'))
  stack = await startStack()
}, 120_000)
afterAll(async () => {
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** Runs one of the stack's programs to its end. */
async function program(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, { cwd: repository })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const code = await new Promise<number | null>((settle) => child.once('close', settle))
  return { code, output }
}

test('the printed curl works when it is pasted', async () => {
  const text = announcement(stack)
  const curl = text.slice(text.indexOf('curl -sS'), text.indexOf('\n\nThe same'))
  const { stdout } = await run('/bin/sh', ['-c', curl])
  expect(JSON.parse(stdout)).toMatchObject({
    choices: [{ message: { content: 'You said: Hello' } }]
  })
})

test('the tour walks the main job and passes, and twice is as good as once', async () => {
  const { child, ended, log, stop, dataDir, ...summary } = stack
  const file = join(folder, 'stack.json')
  writeFileSync(file, JSON.stringify(summary))
  for (const _ of [1, 2]) {
    const { code, output } = await program('src/local/tour.ts', '--stack', file)
    expect(output).toMatch(/12 of 12 steps/)
    expect(code).toBe(0)
  }
}, 60_000)

test('the tour fails when a step does not do what it should', async () => {
  const [first, second] = stack.workspaces
  const { child, ended, log, stop, dataDir, ...summary } = stack
  const file = join(folder, 'broken.json')
  writeFileSync(file, JSON.stringify({ ...summary, workspaces: [second, first] }))
  await fetch(`${second}/_sim/faults`, { method: 'PATCH', body: '{"ipBlocked":true}' })
  const { code, output } = await program('src/local/tour.ts', '--stack', file)
  await fetch(`${second}/_sim/faults`, { method: 'DELETE' })
  expect(output).toMatch(/✗ The user signs in at the workspace/)
  expect(code).toBe(1)
}, 60_000)

test('while it runs, a second start and a reset of the same data are refused', async () => {
  const data = ['--data', stack.dataDir]
  const second = await program('src/local/main.ts', '--json', '--ports', '0', ...data)
  expect(second).toMatchObject({ code: 1, output: expect.stringContaining(stack.weft) })
  expect((await program('src/local/reset.ts', ...data)).code).toBe(1)
})

test.runIf(existsSync('/proc')).each(['Identity provider', 'Postgres', 'Weft'])(
  'stopped right after %s has come up, it leaves nothing running and says nothing but that',
  async (part) => {
    const data = mkdtempSync(join(tmpdir(), 'weft-test-'))
    const args = ['src/local/main.ts', '--ports', '0', '--data', data, '--fresh']
    const child = spawn(process.execPath, args, { cwd: repository })
    const ended = once(child, 'close')
    let output = ''
    const said = new Promise<void>((settle) => {
      child.stdout.on('data', (chunk) => {
        output += chunk
        if (output.includes(`${part} (`)) settle()
      })
    })
    child.stderr.resume()
    await said
    // The shells that only wait for its end go by themselves.
    const members = family(child.pid ?? 0).filter(({ command }) => !/weft-watcher/.test(command))
    expect(members.length).toBeGreaterThan(1)
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(alive(members)).toEqual([])
    expect(output.slice(output.indexOf('Stopping'))).toBe('Stopping (SIGTERM)\n')
    emptyDataFolder(data)
    rmSync(data, { recursive: true, force: true })
  },
  60_000
)

test('after a kill -9 nothing is left running, and the next start finds what was there', async () => {
  const own = await startStack()
  const before = { ...own }
  const key = readFileSync(join(own.dataDir, 'service-key.json'), 'utf8')
  own.child.kill('SIGKILL')
  await own.ended
  const isUp = (url: string) =>
    fetch(`${url}/readyz`).then(
      () => true,
      () => false
    )
  await expect.poll(() => isUp(before.weft), { timeout: 10_000 }).toBe(false)
  const again = spawn(process.execPath, ['src/local/main.ts', '--json', '--data', own.dataDir], {
    cwd: repository
  })
  const line = await new Promise<string>((settle) => {
    again.stdout.once('data', (chunk) => settle(String(chunk)))
  })
  expect(JSON.parse(line)).toMatchObject({
    weft: before.weft,
    fabrics: before.fabrics,
    serviceKey: before.serviceKey
  })
  expect(readFileSync(join(own.dataDir, 'service-key.json'), 'utf8')).toBe(key)
  again.kill('SIGTERM')
  expect(await new Promise((settle) => again.once('close', settle))).toBe(0)
  await own.stop()
}, 120_000)
