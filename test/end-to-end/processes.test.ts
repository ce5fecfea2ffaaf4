import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { alive, family, type Process } from '../support/processes.ts'
import { type StackStart, type StartedStack, startStack } from '../support/stack.ts'

const goneWithinMs = 15_000
const started: StartedStack[] = []

afterEach(async () => {
  for (const stack of started.splice(0)) await stack.stop()
})

async function untilGone(members: readonly Process[]): Promise<Process[]> {
  const deadline = performance.now() + goneWithinMs
  while (alive(members).length > 0 && performance.now() < deadline) await pause(50)
  return alive(members)
}

function isOpen(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((settle) => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
    socket.once('connect', () => socket.destroy())
  })
}

const urlsOf = ({ weft, workspaces, identityProvider, admin }: StartedStack) => [
  weft,
  ...workspaces,
  identityProvider,
  admin
]

async function start(options: StackStart = {}) {
  const stack = await startStack(options)
  started.push(stack)
  const members = family(stack.child.pid ?? 0)
  const commands = members.map(({ command }) => command).join('\n')
  expect(commands).toContain('postgres')
  expect(commands).toContain('src/main.ts')
  for (const url of urlsOf(stack)) expect(await isOpen(url), url).toBe(true)
  return { stack, members }
}

async function expectNothingLeft({ stack, members }: Awaited<ReturnType<typeof start>>) {
  expect(await untilGone(members)).toEqual([])
  for (const url of urlsOf(stack)) expect(await isOpen(url), url).toBe(false)
}

describe('the local stack leaves nothing behind', { timeout: 120_000 }, () => {
  test('after Ctrl-C: ports closed, no Postgres, exit 0', async () => {
    const run = await start()
    run.stack.child.kill('SIGINT')
    expect(await run.stack.ended).toEqual({ code: 0, signal: null })
    await expectNothingLeft(run)
  })

  test('after kill -9 of its process', async () => {
    const run = await start()
    run.stack.child.kill('SIGKILL')
    await expectNothingLeft(run)
  })

  test('after kill -9 of npm, which started it', async () => {
    const run = await start({ command: ['npm', 'start', '--'] })
    run.stack.child.kill('SIGKILL')
    await expectNothingLeft(run)
  })
})
