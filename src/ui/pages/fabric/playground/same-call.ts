import type { Kind } from './examples.ts'

export interface SameCall {
  /** Where the fabric answers: `https://weft.example.com/fabrics/fab_…`. */
  readonly baseUrl: string
  readonly endpoint: string
  readonly kind: Kind
  readonly body: string
  readonly isPrincipal: boolean
}

type Members = Readonly<Record<string, unknown>>

const actAs = 'x-weft-act-as'

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function membersOf(body: string): Members {
  try {
    return JSON.parse(body)
  } catch {
    return {}
  }
}

export function asCurl({ baseUrl, endpoint, body, isPrincipal }: SameCall): string {
  const isStream = membersOf(body).stream === true
  return [
    `curl ${isStream ? '-N ' : ''}${quoted(`${baseUrl}/serving-endpoints/${endpoint}/invocations`)} \\`,
    `  -H "authorization: Bearer $WEFT_TOKEN" \\`,
    ...(isPrincipal ? [`  -H '${actAs}: service_principal' \\`] : []),
    `  -H 'content-type: application/json' \\`,
    `  -d ${quoted(body)}`
  ].join('\n')
}

/** JSON as Python writes it. */
function python(value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  if (typeof value === 'object') {
    const members = Object.entries(value).map(
      ([name, one]) => `${JSON.stringify(name)}: ${python(one)}`
    )
    return `{${members.join(', ')}}`
  }
  return JSON.stringify(value)
}

const methods: Readonly<Record<Kind, string | null>> = {
  chat: 'chat.completions',
  completions: 'completions',
  embeddings: 'embeddings',
  agent: 'responses',
  custom: null
}

/** What is printed of an answer, by kind; of a stream, of each part. */
const partOf: Readonly<Record<string, readonly [whole: string, piece: string]>> = {
  chat: ['choices[0].message.content', 'choices[0].delta.content'],
  completions: ['choices[0].text', 'choices[0].text'],
  embeddings: ['data[0].embedding', 'data[0].embedding'],
  agent: ['output_text', 'delta']
}

export function asPython(call: SameCall): string {
  const { baseUrl, endpoint, kind, body, isPrincipal } = call
  const members = membersOf(body)
  const header = isPrincipal ? `,\n    default_headers={"${actAs}": "service_principal"}` : ''
  const client = [
    'import os',
    'from openai import OpenAI',
    '',
    'client = OpenAI(',
    `    base_url="${baseUrl}/serving-endpoints",`,
    `    api_key=os.environ["WEFT_TOKEN"]${header}`,
    ')'
  ]
  const method = methods[kind]
  if (method === null) {
    const path = `/${endpoint}/invocations`
    return [
      ...client,
      `answer = client.post("${path}", cast_to=object, body=${python(members)})`,
      'print(answer)'
    ].join('\n')
  }
  const named = Object.entries(members).map(([name, one]) => `    ${name}=${python(one)}`)
  const [whole, piece] = partOf[kind] ?? ['', '']
  return [
    ...client,
    `answer = client.${method}.create(`,
    [`    model="${endpoint}"`, ...named].join(',\n'),
    ')',
    ...(members.stream === true
      ? kind === 'agent'
        ? ['for event in answer:', `    print(getattr(event, "${piece}", ""), end="")`]
        : [
            'for part in answer:',
            '    if part.choices:',
            `        print(part.${piece} or "", end="")`
          ]
      : [`print(answer.${whole})`])
  ].join('\n')
}

export function asTypeScript(call: SameCall): string {
  const { baseUrl, endpoint, kind, body, isPrincipal } = call
  const members = membersOf(body)
  const client = [
    `import OpenAI from 'openai'`,
    '',
    'const client = new OpenAI({',
    `  baseURL: '${baseUrl}/serving-endpoints',`,
    `  apiKey: process.env.WEFT_TOKEN${isPrincipal ? ',' : ''}`,
    ...(isPrincipal ? [`  defaultHeaders: { '${actAs}': 'service_principal' }`] : []),
    '})'
  ]
  const method = methods[kind]
  if (method === null) {
    return [
      ...client,
      `const answer = await client.post('/${endpoint}/invocations', {`,
      `  body: ${JSON.stringify(members)}`,
      '})',
      'console.log(answer)'
    ].join('\n')
  }
  const asked = JSON.stringify({ model: endpoint, ...members }, null, 2)
  const [whole, piece] = partOf[kind] ?? ['', '']
  const eventPart =
    kind === 'agent'
      ? `if (part.type === 'response.output_text.delta') process.stdout.write(part.delta)`
      : `process.stdout.write(part.${piece.replace('[0].', '[0]?.')} ?? '')`
  return [
    ...client,
    `const answer = await client.${method}.create(${asked})`,
    ...(members.stream === true
      ? [`for await (const part of answer) ${eventPart}`]
      : [`console.log(answer.${whole})`])
  ].join('\n')
}
