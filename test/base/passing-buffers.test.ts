import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const module = new URL('../../src/base/passing-buffers.ts', import.meta.url)

/** How often a process with a heap like a server's looks through all of it while 2 GiB pass by. */
async function wholeCollections(begin: string): Promise<number> {
  const program = `
    import { constants, PerformanceObserver } from 'node:perf_hooks'
    import { setImmediate as turn } from 'node:timers/promises'
    ${begin}
    globalThis.heap = Array.from({ length: 200_000 }, (_, at) => ({ at, list: [String(at)] }))
    globalThis.gc()
    await turn()
    let count = 0
    const major = constants.NODE_PERFORMANCE_GC_MAJOR
    const see = (list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === major) count += 1
    }
    const observer = new PerformanceObserver(see)
    observer.observe({ entryTypes: ['gc'] })
    const held = []
    for (let at = 0; at < 32_768; at += 1) {
      held[at % 64] = Buffer.allocUnsafeSlow(65_536)
      if (at % 64 === 0) await turn()
    }
    await turn()
    see({ getEntries: () => observer.takeRecords() })
    console.log(count)
  `
  const args = ['--expose-gc', '--input-type=module', '--eval', program]
  const { stdout } = await run(process.execPath, args)
  return Number(stdout)
}

test('bodies of megabytes that pass by do not make the whole heap be looked through', async () => {
  const begin = `import { letBuffersPass } from ${JSON.stringify(module)}; letBuffersPass()`
  const [before, after] = [await wholeCollections(''), await wholeCollections(begin)]
  // Where V8 does so by itself one day, this can go.
  expect(before).toBeGreaterThan(5 * Math.max(1, after))
})
