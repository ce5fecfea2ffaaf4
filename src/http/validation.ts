import assert from 'node:assert'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fastJson, { type Schema } from 'fast-json-stringify'
import type { FastifySchemaCompiler } from 'fastify'
import type { FastifySerializerCompiler } from 'fastify/types/schema.js'
import { AppError, type InputFault } from '../base/errors.ts'

/** Above this many values in one input only its first fault is told: a list of faults costs memory. */
const valuesOfFullReport = 2_000

/** Most faults in one answer. */
const faultsMax = 100

/** Nothing is coerced, dropped or filled in, but for numbers in query strings, which are texts there. */
function makeAjv(options: { coerces: boolean; allErrors: boolean }): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: true,
    allowUnionTypes: true,
    allErrors: options.allErrors,
    coerceTypes: options.coerces,
    removeAdditional: false,
    useDefaults: false
  })
  formats.default(ajv)
  return ajv
}

/** In place of Fastify's own, which would be loaded with everything else: an app that has schemas sets ours. */
export const noCompilers = { compilersFactory: { buildValidator: unset, buildSerializer: unset } }

function unset(): never {
  assert.fail('no compiler is set')
}

type Validator = () => ValidateFunction

/**
 * Compiles route schemas, each when its first value comes: all of them together cost a second of a start.
 * A value that does not hold becomes `invalid_request` with every fault at once; path parameters that do not
 * hold become `not_found`, as an unknown id does.
 */
export function validatorCompiler(): FastifySchemaCompiler<unknown> {
  const plain = [false, true].map((allErrors) => makeAjv({ coerces: false, allErrors }))
  const query = [false, true].map((allErrors) => makeAjv({ coerces: true, allErrors }))

  return ({ schema, httpPart }) => {
    const given = typeof schema === 'object' && schema !== null ? schema : {}
    const [first, all] = (httpPart === 'querystring' ? query : plain).map((ajv) =>
      atFirstUse(() => ajv.compile(given))
    )
    if (first === undefined || all === undefined) return () => true
    if (httpPart === 'params') {
      return (data) => first()(data) || { error: new AppError('not_found') }
    }
    return validating(first, all, prefixes[httpPart ?? ''] ?? '')
  }
}

/** Compiles the schemas of answers, each when its first answer goes out. */
export function serializerCompiler(): FastifySerializerCompiler<unknown> {
  return ({ schema }) => {
    const serialize = atFirstUse(() => fastJson(schema as Schema))
    return (data) => serialize()(data)
  }
}

function atFirstUse<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

const prefixes: Readonly<Record<string, string>> = { querystring: '/query', headers: '/headers' }

function validating(
  first: Validator,
  all: Validator,
  prefix: string
): ReturnType<FastifySchemaCompiler<unknown>> {
  return (data: unknown) => {
    const validate = countValues(data, valuesOfFullReport) < valuesOfFullReport ? all() : first()
    if (validate(data)) return true
    const found = (validate.errors ?? []).filter(({ keyword }) => !summaries.has(keyword))
    const errors = (found.length > 0 ? found : (validate.errors ?? [])).map(faultOf(prefix))
    return { error: new AppError('invalid_request', { errors: errors.slice(0, faultsMax) }) }
  }
}

/** Keywords that only say that others failed. */
const summaries = new Set(['anyOf', 'oneOf', 'if'])

function countValues(value: unknown, atMost: number): number {
  const pending: unknown[] = [value]
  let count = 0
  while (pending.length > 0 && count < atMost) {
    const next = pending.pop()
    count += 1
    if (typeof next !== 'object' || next === null) continue
    const values = Object.values(next)
    count += Math.max(0, values.length - atMost)
    for (const member of values.slice(0, atMost)) pending.push(member)
  }
  return count
}

/** A member's name is the caller's text: it is told back only where it looks like a name. */
const plainName = /^[A-Za-z0-9_.-]{1,64}$/

function faultOf(prefix: string): (error: ErrorObject) => InputFault {
  return ({ instancePath, keyword, params, message }) => {
    const at = prefix + instancePath
    if (keyword === 'additionalProperties') {
      const name: unknown = params.additionalProperty
      const isPlain = typeof name === 'string' && plainName.test(name)
      return { pointer: isPlain ? `${at}/${name}` : at, message: 'is not a known member' }
    }
    if (keyword === 'required') {
      return { pointer: `${at}/${params.missingProperty}`, message: 'is required' }
    }
    if (keyword === 'enum' && Array.isArray(params.allowedValues)) {
      return { pointer: at, message: `must be one of ${params.allowedValues.join(', ')}` }
    }
    return { pointer: at, message: message ?? 'is not valid' }
  }
}
