/** Prometheus' own check of the alerts, and their unit tests: `node test/external/promtool.ts [path of promtool]`. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const promtool = process.argv[2] ?? 'promtool'
const folder = mkdtempSync(join(tmpdir(), 'weft-promtool-'))

try {
  copyFileSync(`${repository}/deploy/prometheus/weft-alerts.yaml`, join(folder, 'weft-alerts.yaml'))
  copyFileSync(`${repository}/test/external/alerts.yaml`, join(folder, 'alerts.yaml'))
  const checks = [
    ['check', 'rules', 'weft-alerts.yaml'],
    ['test', 'rules', 'alerts.yaml']
  ]
  for (const args of checks) {
    const { error, status } = spawnSync(promtool, args, { cwd: folder, stdio: 'inherit' })
    if (error !== undefined) {
      process.stdout.write('skipped: there is no promtool (Debian: the package prometheus)\n')
      break
    }
    if (status !== 0) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}
