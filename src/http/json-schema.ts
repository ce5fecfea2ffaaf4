import type { Type as TypeBox } from 'typebox'

const isOptional = Symbol('optional')

type Schema = Readonly<Record<string, unknown>>
const plain = (type: string) => (options: Schema) => ({ type, ...options })

/** Nothing of a schema tells that it is optional, but to the object that has it as a member. */
function optional(schema: Schema): Schema {
  return Object.defineProperty({ ...schema }, isOptional, { value: true })
}

function object(properties: Readonly<Record<string, Schema>>, options: Schema): Schema {
  const required = Object.keys(properties).filter(
    (name) => !(isOptional in (properties[name] ?? {}))
  )
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
}

const builders = {
  Array: (items: Schema, options: Schema) => ({ type: 'array', items, ...options }),
  Boolean: plain('boolean'),
  Enum: (values: readonly string[], options: Schema) => ({ enum: values, ...options }),
  Integer: plain('integer'),
  Literal: (value: string | number | boolean, options: Schema) => ({
    type: typeof value,
    const: value,
    ...options
  }),
  Null: plain('null'),
  Number: plain('number'),
  Object: object,
  Optional: optional,
  Record: (_text: Schema, value: Schema, options: Schema) => ({
    type: 'object',
    patternProperties: { '^.*$': value },
    ...options
  }),
  String: plain('string'),
  Union: (anyOf: readonly Schema[], options: Schema) => ({ anyOf, ...options }),
  Unknown: (options: Schema) => ({ ...options }),
  Unsafe: (schema: Schema) => ({ ...schema })
}

/**
 * JSON schemas that are TypeScript types too: the types are TypeBox's, and so is what comes of each. TypeBox itself
 * is not loaded: its hundreds of files would be a tenth of what a start takes.
 */
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders> // as its tests show
