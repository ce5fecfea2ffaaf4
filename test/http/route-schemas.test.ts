import fastJson, { type Schema } from 'fast-json-stringify'
import { expect, test, vi } from 'vitest'
import { buildReadableApp } from '../house/readable-app.ts'

/** What the app hands to its compilers while its routes are registered. */
const handed = vi.hoisted(() => ({ questions: 0, answers: 0, faults: [] as unknown[] }))

vi.mock(import('../../src/http/validation.ts'), async (original) => {
  const { validatorCompiler, serializerCompiler, ...others } = await original()
  const tried = (compile: () => unknown, of: unknown) => {
    try {
      compile()
    } catch (err) {
      handed.faults.push({ of, fault: String(err) })
    }
  }
  return {
    ...others,
    serializerCompiler: () => (part) => {
      handed.answers += 1
      tried(() => fastJson(part.schema as Schema), { ...part, schema: null })
      return serializerCompiler()(part)
    },
    validatorCompiler: () => {
      const compile = validatorCompiler()
      return (part) => {
        const validate = compile(part)
        handed.questions += 1
        tried(() => validate({}), { ...part, schema: null })
        return validate
      }
    }
  }
})

test('what is compiled at its first use compiles: the schema of every question and every answer', async () => {
  const app = await buildReadableApp()
  await app.ready()
  await app.close()
  expect(handed.faults).toEqual([])
  expect(handed.questions).toBeGreaterThan(200)
  expect(handed.answers).toBeGreaterThan(100)
})
