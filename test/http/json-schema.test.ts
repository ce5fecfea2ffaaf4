import { Type as TypeBox } from 'typebox'
import { expect, test } from 'vitest'
import { Type } from '../../src/http/json-schema.ts'

/** Every builder, bare and with options, and what their members and wrappers make of it. */
function schemasBy(type: typeof Type) {
  const text = type.String({ minLength: 1, description: 'a text' })
  return {
    array: type.Array(text, { maxItems: 3 }),
    boolean: type.Boolean(),
    enum: type.Enum(['one', 'two'], { type: 'string' }),
    integer: type.Integer({ minimum: 1, default: 5 }),
    literals: [type.Literal('Bearer'), type.Literal(1), type.Literal(true, { type: 'boolean' })],
    null: type.Null({ description: 'Done' }),
    number: type.Number({ maximum: 2.5 }),
    nothing: type.Object({}),
    object: type.Object(
      { needed: text, not: type.Optional(text), nor: type.Optional(type.Array(type.Null())) },
      { additionalProperties: false }
    ),
    optional: type.Object({ only: type.Optional(type.Integer()) }),
    record: type.Record(type.String(), type.Unknown(), { maxProperties: 2 }),
    spread: type.Object({ copied: { ...type.Optional(text) } }),
    union: type.Union([text, type.Null()], { description: 'either' }),
    unknown: type.Unknown({ description: 'anything' }),
    unsafe: type.Unsafe<string | null>({ type: ['string', 'null'] })
  }
}

test('schemas are what TypeBox, whose types they have, makes of the same', () => {
  const own = schemasBy(Type)
  expect(Object.keys(own).length).toBeGreaterThanOrEqual(Object.keys(Type).length)
  expect(JSON.stringify(own)).toBe(JSON.stringify(schemasBy(TypeBox)))
})
