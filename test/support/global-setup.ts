import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../src/local/postgres.ts'
import { serveSharedStack } from './shared-stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    superuserUrl: string
    /** Answers with the local stack that all tests of the pages share; the first to ask starts it. */
    sharedStackUrl: string
  }
}

const pagesBuild = join(import.meta.dirname, '../../src/ui/build/build.ts')

/** One real Postgres for the whole run, on which each test file makes its own database; the pages as they are now. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await promisify(execFile)(process.execPath, [pagesBuild])
  const folder = await mkdtemp(join(tmpdir(), 'weft-test-'))
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    port: 0,
    durable: false
  })
  project.provide('superuserUrl', postgres.superuserUrl)
  const shared = await serveSharedStack()
  project.provide('sharedStackUrl', shared.url)
  return async () => {
    await shared.stop()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
