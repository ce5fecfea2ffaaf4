import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { tourSteps } from '../../src/local/tour/steps.ts'
import { repository, type StartedStack, startStack } from '../support/stack.ts'
import { type Simulator, simulatorAt } from './simulator.ts'

let stack: StartedStack
let workspace: Simulator
let identityProvider: Simulator

beforeAll(async () => {
  stack = await startStack()
  workspace = simulatorAt(stack.workspaces[0])
  identityProvider = simulatorAt(stack.identityProvider)
}, 120_000)

afterEach(async () => {
  await workspace.resetFaults()
  await identityProvider.resetFaults()
})

afterAll(async () => {
  await stack?.stop()
})

async function tour() {
  const file = join(stack.dataDir, 'line.json')
  const { child: _child, dataDir: _dataDir, ...summary } = stack
  writeFileSync(file, `${JSON.stringify(summary)}\n`)
  const child = spawn(process.execPath, ['src/local/tour.ts', '--stack', file], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const code = new Promise((settle) => child.once('close', settle))
  return { output: await text(child.stdout), code: await code }
}

describe('npm run tour', () => {
  test('exits 0 when every step of the main job did what it should', async () => {
    const { output, code } = await tour()
    expect(output).not.toContain('✗')
    const { steps } = tourSteps(stack)
    expect(output.match(/✓/g)).toHaveLength(steps.length)
    expect(output).toContain(`${steps.length} of ${steps.length} steps`)
    expect(code).toBe(0)
  })

  test('can be walked again on the same stack, and leaves nothing that it made', async () => {
    const { code, output } = await tour()
    expect([code, output.includes('✗')]).toEqual([0, false])
  })

  test.each([
    ['the token endpoint is down', () => workspace.setFaults({ tokenStatus: 500 })],
    [
      'the workspace gives no refresh token',
      () => workspace.setFaults({ tokenOmit: ['refresh_token'] })
    ],
    ['serving endpoints fail', () => workspace.setFaults({ apiStatus: 503 })],
    ['streams are cut', () => workspace.setFaults({ streamCutAfterEvents: 2 })],
    ['id tokens are forged', () => identityProvider.setFaults({ idTokenSignature: 'bad' })]
  ])('exits 1 and names the step when %s', async (_what, spoil) => {
    await spoil()
    const { output, code } = await tour()
    expect(output.match(/✗/g)).toHaveLength(1)
    expect(code).toBe(1)
  })
})
