import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { repository } from '../support/stack.ts'

test('J5 Weft refuses to start under the inspector, which shows every secret in memory', () => {
  const args = ['--inspect=127.0.0.1:0', 'src/main.ts']
  const { status, stderr, stdout } = spawnSync(process.execPath, args, {
    cwd: repository,
    encoding: 'utf8',
    env: {
      WEFT_PUBLIC_URL: 'https://weft.test',
      WEFT_DATABASE_URL: 'postgresql://weft_app@127.0.0.1:1/weft',
      WEFT_KEY_RING: `test-1:${randomBytes(32).toString('base64')}`
    }
  })
  expect(stdout + stderr).toMatch(/the inspector must be off/)
  expect(status).toBe(1)
})
