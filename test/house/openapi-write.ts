/** `npm run openapi`: writes docs/openapi.json and docs/authorization.md anew from the routes. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { authorizationText } from './authorization-table.ts'
import { buildReadableApp, openApiText } from './readable-app.ts'
import { root } from './source.ts'

const app = await buildReadableApp()
await mkdir(join(root, 'docs'), { recursive: true })
const texts = {
  'openapi.json': openApiText(app),
  'authorization.md': authorizationText(app.routeTable)
}
for (const [name, text] of Object.entries(texts)) {
  const path = join(root, 'docs', name)
  await writeFile(path, text)
  process.stdout.write(`wrote ${path}\n`)
}
await app.close()
