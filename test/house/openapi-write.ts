/** `npm run openapi`: writes docs/openapi.json anew from the routes. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { buildReadableApp, openApiText } from './readable-app.ts'
import { root } from './source.ts'

const path = join(root, 'docs', 'openapi.json')
const app = await buildReadableApp()
await mkdir(dirname(path), { recursive: true })
await writeFile(path, openApiText(app))
await app.close()
process.stdout.write(`wrote ${path}\n`)
