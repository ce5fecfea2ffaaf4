import { generateKeyPairSync } from 'node:crypto'
import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'
import { describe, expect, test } from 'vitest'
import { readText, repositoryFiles } from './source.ts'

/** What looks like a secret and is none, by file: how often, and why it may stand there. */
const allowed: Readonly<Record<string, readonly [count: number, because: string]>> = {
  '.env.example': [2, 'database URLs whose password is change-me'],
  'test/config/config.test.ts': [2, 'URLs that a configuration is read from, or refused for'],
  'test/fabrics/input.test.ts': [1, 'an address with credentials, to be refused'],
  'test/providers/databricks-samples.ts': [1, 'an address with credentials, to be refused'],
  'test/support/tls/expired-key.pem': [1, 'the key of a server on loopback'],
  'test/support/tls/self-signed-key.pem': [1, 'the key of a server on loopback'],
  'test/support/tls/valid-key.pem': [1, 'the key of a server on loopback'],
  'test/support/tls/weft-key.pem': [1, 'the key of a server on loopback'],
  'test/support/tls/wrong-name-key.pem': [1, 'the key of a server on loopback']
}

const rule = { id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, rules: [] }

/** Places that look like secrets, never the secrets themselves. */
async function findings(filePath: string, content: string): Promise<string[]> {
  const ext = filePath.slice(filePath.lastIndexOf('.'))
  const { messages } = await lintSource({
    source: { filePath, content, ext, contentType: 'text' },
    options: { config: { rules: [rule] }, maskSecrets: true }
  })
  return messages.map(({ loc, messageId }) => `${filePath}:${loc.start.line} ${messageId}`)
}

const isText = (path: string) => !/\.(png|ico|woff2|jpe?g|gz)$|package-lock\.json$/.test(path)

describe('the repository as it stands', () => {
  test('J4 no file holds a secret: tests, samples and documents included', async () => {
    const files = repositoryFiles().filter(isText)
    expect(files.length).toBeGreaterThan(500)
    const unexpected: string[] = []
    for (const path of files) {
      const found = await findings(path, readText(path))
      if (found.length !== (allowed[path]?.[0] ?? 0)) unexpected.push(...found, path)
    }
    expect(unexpected).toEqual([])
  })
})

describe('a planted secret is seen', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
  test.each([
    ['an AWS key', `AWS_SECRET_ACCESS_KEY=${letters}ABCD`],
    ['a database URL', `postgresql://weft:${letters}@db.internal:5432/weft`],
    ['a private key', key],
    ['a GitHub token', `ghp_${letters}`]
  ])('J4 %s', async (_what, text) => {
    expect(await findings('a.md', `first\n${text}\n`)).not.toEqual([])
  })
})
