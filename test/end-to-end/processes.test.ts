import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type StackStart, type StartedStack, startStack } from '../support/stack.ts'

const goneWithinMs = 15_000
const started: StartedStack[] = []

afterEach(async () => {
  for (const stack of started.splice(0)) await stack.stop()
})

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** Every process of this machine that has not ended, from `/proc`. */
function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }]
      } catch {
        return []
      }
    })
}

/** `pid` and all that stems from it, wherever it was put since. */
function family(pid: number): Process[] {
  const all = processes()
  const found = all.filter((one) => one.pid === pid)
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid))
  return found
}

function alive(members: readonly Process[]): Process[] {
  const now = new Map(processes().map((one) => [one.pid, one.command]))
  return members.filter(({ pid, command }) => now.get(pid) === command)
}

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
