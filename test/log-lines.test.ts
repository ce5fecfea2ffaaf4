import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('support/log-program.ts', import.meta.url))
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(args: readonly (string | number)[], stdout: 'pipe' | number = 'pipe') {
  const child = spawn(process.execPath, [program, ...args.map(String)], {
    stdio: ['ignore', stdout, 'pipe', 'ipc']
  })
  children.push(child)
  child.stderr?.resume()
  const written: string[] = []
  return {
    child,
    logged: once(child, 'message'),
    ended: once(child, 'close'),
    read: () => child.stdout?.on('data', (chunk) => written.push(String(chunk))),
    written: () => written.join('')
  }
}

const numbersIn = (text: string): number[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).no)
const upTo = (count: number) => Array.from({ length: count }, (_, no) => no)

describe('the log of a real process', { timeout: 30_000 }, () => {
  test.each([
    ['an orderly end', 'exit', 0],
    ['an exception that nobody catches', 'throw', 1]
  ] as const)('%s loses no line of it, in their order', async (_, ending, code) => {
    const one = start([5_000, ending])
    one.read()
    expect(await one.ended).toEqual([code, null])
    expect(numbersIn(one.written())).toEqual(upTo(5_000))
  })

  test('a reader that takes its time holds nobody up, and misses nothing', async () => {
    const one = start([5_000, 'exit'])
    // A megabyte, of which the pipe takes a sixteenth: it comes to its end while nobody reads.
    await one.logged
    one.read()
    expect(await one.ended).toEqual([0, null])
    expect(numbersIn(one.written())).toEqual(upTo(5_000))
  })

  test('a reader that is gone ends nobody', async () => {
    const one = start([5_000, 'exit'])
    one.child.stdout?.destroy()
    expect(await one.ended).toEqual([0, null])
  })

  test('a line that says that somebody must act waits for nothing, nor does what stands before it', async () => {
    const one = start([10, 'stay', 'error'])
    one.read()
    await one.logged
    one.child.send('now')
    expect(await one.ended).toEqual([null, 'SIGKILL'])
    expect(numbersIn(one.written())).toEqual(upTo(10))
  })

  test('a process that lives on tells its lines without being asked', async () => {
    const one = start([10, 'stay'])
    one.read()
    await expect.poll(one.written, { timeout: 20_000 }).toMatch(/"no":9/)
    expect(numbersIn(one.written())).toEqual(upTo(10))
  })

  test('a file is as good as a pipe', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weft-log-'))
    const file = join(folder, 'log')
    const one = start([100, 'throw'], openSync(file, 'w'))
    await one.ended
    expect(numbersIn(readFileSync(file, 'utf8'))).toEqual(upTo(100))
    await rm(folder, { recursive: true })
  })
})
