import { inject, vi } from 'vitest'
import { closeGrounds } from '../support/vault-world/ground.ts'

declare module 'vitest' {
  interface ProvidedContext {
    mode: 'dry-run' | 'mutant'
    mutantActivation: 'static' | 'runtime'
    activeMutant: string
  }
}

/**
 * Before each test file: a change of what runs once, when a module is loaded, needs modules that are loaded
 * with it, and those that come after it need modules that were loaded without.
 */
const loadedWith: { mutant?: string | null } = globalThis as { mutant?: string | null }
const mutant =
  inject('mode') === 'mutant' && inject('mutantActivation') === 'static'
    ? inject('activeMutant')
    : null
if ((loadedWith.mutant ?? null) !== mutant) {
  await closeGrounds()
  vi.resetModules()
}
loadedWith.mutant = mutant
