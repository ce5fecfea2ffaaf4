import { createHash } from 'node:crypto'
import { isObject } from '../simulation/exchange.ts'
import type { BearerClaims } from './issued-tokens.ts'

/** People's personal access tokens: good for everything until they are taken away. */
export interface PersonalTokens {
  /** `{ token, email }`; `email: null` takes it away. Returns what is wrong with the value. */
  put(value: unknown): string[]
  read(token: string): BearerClaims | undefined
}

export function createPersonalTokens(isPerson: (email: string) => boolean): PersonalTokens {
  const owners = new Map<string, string>()
  return {
    put(value) {
      const { token, email } = isObject(value) ? value : {}
      if (typeof token !== 'string' || !token.startsWith('dapi')) return ['token: begins with dapi']
      if (email === null) owners.delete(token)
      else if (typeof email !== 'string' || !isPerson(email)) return ['email: of nobody here']
      else owners.set(token, email)
      return []
    },
    read(token) {
      const principal = owners.get(token)
      if (principal === undefined) return undefined
      return {
        tokenId: createHash('sha256').update(token).digest('hex').slice(0, 16),
        principal,
        clientId: 'personal-access-token',
        scopes: ['all-apis'],
        familyId: null,
        isDead: false,
        isDownScoped: false,
        objectPaths: []
      }
    }
  }
}
