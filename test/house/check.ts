/** `npm run check`: every check, one after the other, each to its end; exit 1 if one of them failed. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './source.ts'

const bin = (name: string) => join(root, 'node_modules', name)

const checks: readonly [name: string, script: string, ...args: string[]][] = [
  ['types', bin('typescript/bin/tsc'), '--noEmit', '-p', '.'],
  ['types of pages', bin('typescript/bin/tsc'), '--noEmit', '-p', 'src/ui'],
  ['lint and format', bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'],
  ['house', bin('vitest/vitest.mjs'), 'run', 'test/house'],
  [
    'openapi',
    bin('@redocly/cli/bin/cli.js'),
    'lint',
    'docs/openapi.json',
    '--config=test/house/redocly.yaml'
  ]
]

/** Nobody is told that we check, and no newer version is looked for. */
const quiet = {
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  NO_UPDATE_NOTIFIER: '1',
  CI: '1',
  NO_COLOR: '1'
}

function run(script: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: root,
      env: { ...process.env, ...quiet },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ code: code ?? 1, output: Buffer.concat(output).toString() })
    })
  })
}

let failed = 0
for (const [name, script, ...args] of checks) {
  const startedAt = performance.now()
  const { code, output } = await run(script, args)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const result = code === 0 ? 'passed' : 'FAILED'
  process.stdout.write(`${result}  ${name.padEnd(16)} ${seconds.padStart(6)} s\n`)
  if (code === 0) continue
  failed += 1
  process.stdout.write(`${output.trimEnd().replaceAll(/^/gm, '    ')}\n`)
}
process.stdout.write(`checks: ${checks.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
