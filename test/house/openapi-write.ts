/** `npm run openapi`: writes what is printed in docs/ anew: openapi.json, authorization.md, the table of audit.md. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { auditText } from './audit-table.ts'
import { authorizationText } from './authorization-table.ts'
import { buildReadableApp, openApiText } from './readable-app.ts'
import { readText, root } from './source.ts'

const app = await buildReadableApp()
await mkdir(join(root, 'docs'), { recursive: true })
const texts = {
  'openapi.json': await openApiText(app),
  'authorization.md': authorizationText(app.routeTable),
  'audit.md': auditText(readText('docs/audit.md'))
}
for (const [name, text] of Object.entries(texts)) {
  const path = join(root, 'docs', name)
  await writeFile(path, text)
  process.stdout.write(`wrote ${path}\n`)
}
await app.close()
