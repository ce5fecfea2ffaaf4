/** Where a fabric is reached, and what it is asked for. */
export interface Target {
  readonly byPath: string
  /** Of a host of its own; null: this deployment has none. */
  readonly byHost: string | null
  readonly httpPath: string | null
}

export interface Snippet {
  readonly title: string
  readonly language: string
  /** What to know before it is run. */
  readonly note: string
  /** Null: it cannot be done here, and the note says why. */
  readonly text: string | null
}

function hostAndPath(base: string): readonly [host: string, path: string] {
  const { host, pathname } = new URL(base)
  return [host, pathname === '/' ? '' : pathname]
}

/** The clients that people have, each with what has to be changed for this fabric. */
export function snippetsOf({ byPath, byHost, httpPath }: Target): readonly Snippet[] {
  const [host, path] = hostAndPath(byPath)
  return [
    {
      title: 'OpenAI client',
      language: 'Python',
      note: 'pip install openai. The model is the name of a serving endpoint.',
      text: [
        'import os',
        'from openai import OpenAI',
        '',
        'client = OpenAI(',
        `    base_url="${byPath}/serving-endpoints",`,
        '    api_key=os.environ["WEFT_TOKEN"],',
        ')',
        'answer = client.chat.completions.create(',
        '    model="your-endpoint",',
        '    messages=[{"role": "user", "content": "Hello"}],',
        ')',
        'print(answer.choices[0].message.content)'
      ].join('\n')
    },
    {
      title: 'OpenAI client',
      language: 'TypeScript',
      note: 'npm install openai. The model is the name of a serving endpoint.',
      text: [
        `import OpenAI from 'openai'`,
        '',
        'const client = new OpenAI({',
        `  baseURL: '${byPath}/serving-endpoints',`,
        '  apiKey: process.env.WEFT_TOKEN',
        '})',
        'const answer = await client.chat.completions.create({',
        `  model: 'your-endpoint',`,
        `  messages: [{ role: 'user', content: 'Hello' }]`,
        '})',
        'console.log(answer.choices[0]?.message.content)'
      ].join('\n')
    },
    {
      title: 'Databricks SDK',
      language: 'Python',
      note: byHost
        ? 'pip install databricks-sdk. It logs in with a service account’s id and key, or with a token alone.'
        : 'Databricks’ SDKs drop the path of their host, so they need a host for each fabric. Whoever runs Weft switches these on with WEFT_FABRIC_DOMAIN.',
      text:
        byHost &&
        [
          'import os',
          'from databricks.sdk import WorkspaceClient',
          '',
          'workspace = WorkspaceClient(',
          `    host="${byHost}",`,
          '    token=os.environ["WEFT_TOKEN"],',
          ')',
          'for endpoint in workspace.serving_endpoints.list():',
          '    print(endpoint.name)'
        ].join('\n')
    },
    {
      title: 'SQL driver',
      language: 'TypeScript',
      note: httpPath
        ? 'npm install @databricks/sql. It speaks https only.'
        : 'This fabric has no SQL warehouse yet; an admin of the team picks one in its settings.',
      text:
        httpPath &&
        [
          `import { DBSQLClient } from '@databricks/sql'`,
          '',
          'const client = new DBSQLClient()',
          'await client.connect({',
          `  host: '${host}',`,
          `  path: '${path}${httpPath}',`,
          '  token: process.env.WEFT_TOKEN,',
          '  telemetryEnabled: false',
          '})',
          'const session = await client.openSession()',
          `const operation = await session.executeStatement('SELECT 1')`,
          'console.log(await operation.fetchAll())'
        ].join('\n')
    },
    {
      title: 'curl',
      language: 'Shell',
      note: 'What this fabric reaches, as the workspace lists it.',
      text: [
        `curl '${byPath}/api/2.0/serving-endpoints' \\`,
        `  -H "authorization: Bearer $WEFT_TOKEN"`
      ].join('\n')
    }
  ]
}
