import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ProblemCode, problemCatalogue } from '../../base/errors.ts'
import { Type } from '../json-schema.ts'
import { textPage } from '../pages/document.ts'
import { signInScriptPath } from '../pages/sign-in-page.ts'
import { type App, Strict } from '../route.ts'

const folder = join(import.meta.dirname, '..', 'pages')
const files = [
  ['/problems/page.css', 'page.css', 'text/css; charset=utf-8'],
  [signInScriptPath, 'sign-in.js', 'text/javascript; charset=utf-8']
] as const

const page = { access: 'public', operation: 'page.get', surface: 'page' } as const
const codes = Object.keys(problemCatalogue)

/** Pages of plain text, which need no script: what stands beside the console. */
export async function pageRoutes(app: App): Promise<void> {
  app.get('/', { config: page, schema: { hide: true } }, ({ publicUrl }, reply) =>
    reply.redirect(publicUrl.pathOf('/console'), 302)
  )

  for (const [path, name, type] of files) {
    const content = await readFile(join(folder, name))
    app.get(path, { config: page, schema: { hide: true } }, (_request, reply) =>
      reply.type(type).header('cache-control', 'no-cache').send(content)
    )
  }

  app.get(
    '/problems/:code',
    {
      config: page,
      schema: {
        hide: true,
        params: Strict({ code: Type.Unsafe<ProblemCode>({ type: 'string', enum: codes }) })
      }
    },
    (request, reply) => {
      const { publicUrl } = request
      const { code } = request.params
      const { status, title, owner } = problemCatalogue[code]
      const lines = [`Code ${code}, HTTP status ${status}.`, `Who can mend it: ${owner}.`]
      const link = { href: publicUrl.pathOf('/console'), text: 'Go to the console' }
      reply.type('text/html; charset=utf-8')
      return reply.send(textPage(publicUrl, title, lines, link))
    }
  )
}
