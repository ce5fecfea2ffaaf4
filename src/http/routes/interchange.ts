import { AppError } from '../../base/errors.ts'
import type { Interchange } from '../../interchange/interchange.ts'
import { type App, answers } from '../route.ts'
import { ImportQuery, Settings, SettingsImport } from '../schemas/settings.ts'
import { validatorCompiler } from '../validation.ts'

const tags = ['settings']
const yaml = 'application/yaml'
const documentBytesMax = 256 * 1024
const document = {
  [yaml]: { schema: Settings },
  'application/json': { schema: Settings }
}

export async function interchangeRoutes(
  app: App,
  { interchange }: { interchange: Interchange }
): Promise<void> {
  app.get(
    '/api/v1/export',
    {
      config: { access: 'caller', operation: 'settings.export' },
      schema: {
        tags,
        summary: 'App connections and fabrics as one document, without secrets',
        response: { ...answers({}), 200: { description: 'The document', content: document } }
      }
    },
    async ({ scope, headers }, reply) => {
      const settings = await interchange.export(scope)
      const isJson = headers.accept?.includes('application/json') === true
      if (isJson) return reply.type('application/json').send(settings)
      const { writeYaml } = await import('../settings-text.ts') // nobody else needs YAML
      return reply.type(yaml).send(writeYaml(settings))
    }
  )

  await app.register(async (inner: App) => {
    // The text itself: JSON is YAML, and is held to the same.
    inner.removeContentTypeParser('application/json')
    inner.addContentTypeParser(
      [yaml, 'application/x-yaml', 'text/yaml', 'application/json'],
      { parseAs: 'string', bodyLimit: documentBytesMax },
      (_request, text, done) => done(null, text)
    )
    const compile = validatorCompiler()
    inner.put(
      '/api/v1/import',
      {
        config: { access: 'caller', operation: 'settings.import' },
        validatorCompiler: (part) => (part.httpPart === 'body' ? () => true : compile(part)),
        schema: {
          tags,
          summary: 'Put a document of app connections and fabrics in place',
          description:
            'All or nothing. Also reads the fabric files of the Prophecy Build Tool, for one `team`.',
          querystring: ImportQuery,
          body: { content: document },
          response: answers({ 200: SettingsImport })
        }
      },
      async ({ scope, body, query }) => {
        if (typeof body !== 'string') throw new AppError('invalid_request')
        const [isDryRun, prunes] = [query.dryRun === 'true', query.prune === 'true']
        const { placed, readSettings } = await import('../settings-document.ts')
        const { settings, located } = readSettings(body, { team: query.team, prunes })
        return await interchange
          .import(scope, settings, { isDryRun, prunes })
          .catch((error: unknown) => {
            throw placed(located, error)
          })
      }
    )
  })
}
