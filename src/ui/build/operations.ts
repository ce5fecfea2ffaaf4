/** Writes the types of the API, and how each operation is called, out of the OpenAPI document. */

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

interface Media {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly {
    readonly in: string
    readonly name: string
    readonly required?: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: Media & { readonly required?: boolean }
  readonly responses: Readonly<Record<string, Media>>
}

export interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

function objectType({ properties = {}, required = [], additionalProperties }: Schema): string {
  const members = Object.entries(properties).map(([name, schema]) => {
    const mark = required.includes(name) ? '' : '?'
    return `${JSON.stringify(name)}${mark}: ${typeOf(schema)}`
  })
  const isOpen = additionalProperties !== false && members.length === 0
  if (isOpen) {
    const rest = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown'
    return `Record<string, ${rest}>`
  }
  return `{ ${members.join('; ')} }`
}

function plainType(type: string | undefined, schema: Schema): string {
  if (type === 'object' || (type === undefined && schema.properties)) return objectType(schema)
  if (type === 'array') return `(${schema.items ? typeOf(schema.items) : 'unknown'})[]`
  if (type === 'integer') return 'number'
  return type ?? 'unknown'
}

/** The TypeScript type of a JSON schema, in the parts of JSON Schema that our own document uses. */
function typeOf(schema: Schema): string {
  if (schema.$ref) return `Schemas[${JSON.stringify(schema.$ref.split('/').at(-1))}]`
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.map(typeOf).join(' | ')
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  return types.map((type) => plainType(type, schema)).join(' | ')
}

function jsonOf(media: Media | undefined): Schema | undefined {
  return media?.content?.['application/json']?.schema
}

function parametersType(operation: Operation, place: string): string | null {
  const found = (operation.parameters ?? []).filter((parameter) => parameter.in === place)
  if (found.length === 0) return null
  const members = found.map(
    ({ name, required, schema }) =>
      `${JSON.stringify(name)}${required ? '' : '?'}: ${typeOf(schema)}`
  )
  const isNeeded = found.some(({ required }) => required)
  return `${place}${isNeeded ? '' : '?'}: { ${members.join('; ')} }`
}

function inputType(operation: Operation): string {
  const body = jsonOf(operation.requestBody)
  const parts = [
    parametersType(operation, 'path'),
    parametersType(operation, 'query'),
    body && `body${operation.requestBody?.required ? '' : '?'}: ${typeOf(body)}`
  ].filter((part) => part)
  return `{ ${parts.join('; ')} }`
}

function answerType(operation: Operation): string {
  const [, success] =
    Object.entries(operation.responses).find(([status]) => status.startsWith('2')) ?? []
  const schema = jsonOf(success)
  return schema ? typeOf(schema) : 'null'
}

/** Whether a repeated create has one effect (`Idempotency-Key`). */
function isOnce({ parameters = [] }: Operation): boolean {
  return parameters.some(({ name }) => name === 'idempotency-key')
}

/** What pages call: not what machines do, SCIM and the token endpoint. */
const served = /^\/(api\/v1|auth)\//

export function operationsText({ components, paths }: OpenApi): string {
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `  ${JSON.stringify(name)}: ${typeOf(schema)}`
  )
  const operations = Object.entries(paths)
    .filter(([path]) => served.test(path))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
    )
  const types = operations.map(
    ({ operation }) =>
      `  ${operation.operationId}: { input: ${inputType(operation)}; answer: ${answerType(operation)} }`
  )
  const ways = operations.map(({ path, method, operation }) => {
    const way = [method.toUpperCase(), path, ...(isOnce(operation) ? ['once'] : [])]
    return `  ${operation.operationId}: ${JSON.stringify(way)}`
  })
  return `// Written from docs/openapi.json by src/ui/build; not by hand.
export interface Schemas {
${schemas.join('\n')}
}

export interface Operations {
${types.join('\n')}
}

type Way = readonly [method: string, path: string, once?: string]
export const ways: Readonly<Record<keyof Operations, Way>> = {
${ways.join(',\n')}
}
`
}
