import { databricks } from './databricks/databricks.ts'
import type { Provider } from './provider.ts'

/** Every provider, by its id. */
export const providers = { databricks } as const satisfies Record<string, Provider>

export type ProviderId = keyof typeof providers

export function isProviderId(text: string): text is ProviderId {
  return Object.hasOwn(providers, text)
}
