import type { Case } from './plan.ts'

/** A text that would forge a line, paint a terminal, turn words around or run in a page, and can be told from any other. */
export interface Hostile {
  readonly mark: string
  readonly text: string
}

let count = 0
function hostile(): Hostile {
  count += 1
  const mark = `marked${String(count).padStart(6, '0')}`
  const forged = '{"level":50,"msg":"request","status":200}'
  return {
    mark,
    text: `${mark}\r\n${forged}\n\u001b[2J\u0085\u2028\u2029\u202e</script><script>${mark}`
  }
}

export interface TextCase {
  readonly one: Case
  readonly mark: string
  /** Where the text stands, such as `body/servicePrincipal/clientSecret`. */
  readonly place: string
  /** Whether what stands there is told to nobody, whatever comes of the call. */
  readonly isSecret: boolean
}

/** What a body of this content type may hold, as the OpenAPI document has it. */
export interface BodySchema {
  /** `#/components/schemas/…` */
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, BodySchema>>
  readonly items?: BodySchema
}

export type Schemas = Readonly<Record<string, BodySchema>>

const secretPlace =
  /(secret|password|token|assertion|authorization|cookie|code|state|verifier|\/key)$/i

/** Headers in which callers write what they like; what a header may not hold at all is the parser's to refuse. */
const freeHeaders = [
  'user-agent',
  'referer',
  'accept-language',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-host',
  'forwarded',
  'traceparent',
  'tracestate',
  'baggage',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'x-weft-act-as',
  'x-weft-note'
]

/** One good call, and of it one for each place that takes a text, with a hostile one there. */
export function textCasesOf(
  one: Case,
  queries: readonly string[],
  schema: BodySchema | null,
  schemas: Schemas
): TextCase[] {
  return [
    ...pathCases(one),
    ...queries.map((name) => queryCase(one, name)),
    ...bodyCases(one, placesOfSchema(schema, schemas)),
    headerCase(one)
  ]
}

function caseOf(place: string, { mark }: Hostile, one: Case): TextCase {
  return { place, mark, one, isSecret: secretPlace.test(place) }
}

function pathCases(one: Case): TextCase[] {
  const [path = '', query] = one.path.split('?')
  return one.ids
    .filter((id) => id !== '' && path.includes(id))
    .map((id) => {
      const bad = hostile()
      const next = path.replace(id, encodeURIComponent(bad.text))
      return caseOf('path', bad, { ...one, path: query === undefined ? next : `${next}?${query}` })
    })
}

function queryCase(one: Case, name: string): TextCase {
  const bad = hostile()
  const [path, query] = one.path.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set(name, bad.text)
  return caseOf(`query/${name}`, bad, { ...one, path: `${path}?${parameters}` })
}

function headerCase(one: Case): TextCase {
  const bad = hostile()
  // Of what a header may hold at all: C1 controls, which terminals obey, and bytes beyond ASCII.
  const value = `${bad.mark}\u009b31m\u0085\u00a0"}{"level":50} <script>`
  const free = Object.fromEntries(freeHeaders.map((name) => [name, value]))
  return caseOf('headers', bad, { ...one, headers: { ...one.headers, ...free } })
}

function bodyCases(one: Case, declared: readonly string[][]): TextCase[] {
  if (one.payload === null) return []
  if (one.headers['content-type'] !== 'application/json') {
    return [...new URLSearchParams(one.payload).keys()].map((name) => {
      const bad = hostile()
      const form = new URLSearchParams(one.payload ?? '')
      form.set(name, bad.text)
      return caseOf(`form/${name}`, bad, { ...one, payload: form.toString() })
    })
  }
  const body: unknown = JSON.parse(one.payload)
  const places = new Map(
    [...placesOfBody(body), ...declared].map((place) => [place.join('/'), place])
  )
  return [...places.values()].flatMap((place) => {
    const name = `body/${place.join('/')}`
    const bad = hostile()
    const plain = hostile()
    // A secret that nothing is wrong with is taken, and goes on to where it might be told.
    const texts = [[bad, bad.text] as const, [plain, `canary-${plain.mark}`] as const]
    return texts.slice(0, secretPlace.test(name) ? 2 : 1).map(([made, text]) => {
      const payload = JSON.stringify(withText(body, place, text))
      return caseOf(name, made, { ...one, payload })
    })
  })
}

/** Where texts stand in a good body. */
function placesOfBody(value: unknown, at: readonly string[] = []): string[][] {
  if (typeof value === 'string') return [[...at]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => placesOfBody(inner, [...at, name]))
}

/** Where they may stand, as the document says. */
function placesOfSchema(
  schema: BodySchema | null,
  schemas: Schemas,
  at: readonly string[] = []
): string[][] {
  if (schema === null || at.length > 4) return []
  if (schema.$ref !== undefined) {
    return placesOfSchema(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? null, schemas, at)
  }
  const isText = [schema.type].flat().includes('string') && schema.enum === undefined
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, one]) =>
    placesOfSchema(one, schemas, [...at, name])
  )
  const items =
    schema.items === undefined ? [] : placesOfSchema(schema.items, schemas, [...at, '0'])
  return [...(isText && at.length > 0 ? [[...at]] : []), ...inner, ...items]
}

function withText(value: unknown, [name, ...rest]: readonly string[], text: string): unknown {
  if (name === undefined) return text
  if (Array.isArray(value) || (name === '0' && value === undefined)) {
    const list: unknown[] = Array.isArray(value) ? [...value] : []
    list[Number(name)] = withText(list[Number(name)], rest, text)
    return list
  }
  const inside = typeof value === 'object' && value !== null ? value : {}
  return { ...inside, [name]: withText(Reflect.get(inside, name), rest, text) }
}
