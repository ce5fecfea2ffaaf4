import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startDatabricks } from '../../src/local/databricks/workspace.ts'
import { api, app, people, refresh, setFaults, signIn } from './workspace-support.ts'

const me = '/api/2.0/preview/scim/v2/Me'
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(port: number) {
  const stateFile = join(folder, 'workspace-1')
  return startDatabricks({
    port,
    workspaceId: '1234567890',
    name: 'Kept',
    people,
    apps: [app],
    stateFile
  })
}

test('sign-ins, signing key and spent tokens outlive a restart; their files are for the owner only', async () => {
  const first = await start(0)
  const tokens = await signIn(first.url)
  const { body: next } = await refresh(first.url, tokens.refresh_token)
  await first.stop()
  for (const file of readdirSync(folder)) {
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
  }
  const second = await start(first.port)
  const look = () => api(second.url, me, next.access_token).then(({ status }) => status)
  await expect.poll(() => look().catch(() => 0)).toBe(200) // past the old server's dead connections
  expect((await refresh(second.url, next.refresh_token)).status).toBe(200)
  expect((await refresh(second.url, tokens.refresh_token)).status).toBe(400)
  await setFaults(second.url, { invalidateAccessTokens: true })
  expect((await api(second.url, me, next.access_token)).status).toBe(403)
  await second.stop()
})
