import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Clock } from '../../base/clock.ts'

interface Row {
  readonly payload: AdapterPayload
  readonly expiresAtMs: number | null
}

/** Where oidc-provider keeps what it issues: in memory, and in `file` across starts when one is named. */
export interface TokenStore {
  adapter(model: string): Adapter
  /** The stored payload, dead or alive, as long as it has not expired. */
  peek(model: string, id: string): AdapterPayload | undefined
  save(): void
}

export interface TokenStoreOptions {
  readonly clock: Clock
  readonly file?: string | undefined
  /** Whether revoking by grant takes effect. */
  readonly canRevoke: () => boolean
  readonly onRevoke?: (grantId: string) => void
  readonly findClient: (clientId: string) => AdapterPayload | undefined
}

export function createTokenStore(options: TokenStoreOptions): TokenStore {
  const { clock, file } = options
  const models = new Map<string, Map<string, Row>>(file ? load(file) : [])
  const revoked = new Set<string>()
  const rowsOf = (model: string) => {
    const rows = models.get(model) ?? new Map<string, Row>()
    models.set(model, rows)
    return rows
  }
  const live = (model: string, id: string) => {
    const row = rowsOf(model).get(id)
    if (!row) return undefined
    if (row.expiresAtMs !== null && row.expiresAtMs <= clock.now().getTime()) {
      rowsOf(model).delete(id)
      return undefined
    }
    return row.payload
  }
  const search = (model: string, matches: (payload: AdapterPayload) => boolean) => {
    for (const id of rowsOf(model).keys()) {
      const payload = live(model, id)
      if (payload && matches(payload)) return payload
    }
    return undefined
  }
  const adapter = (model: string): Adapter => ({
    upsert: async (id, payload, expiresIn) => {
      const expiresAtMs = expiresIn ? clock.now().getTime() + expiresIn * 1000 : null
      rowsOf(model).set(id, { payload: { ...payload }, expiresAtMs })
    },
    find: async (id) => {
      if (model === 'Client') return options.findClient(id)
      return revoked.has(`${model}:${id}`) ? undefined : live(model, id)
    },
    findByUid: async (uid) => search(model, (payload) => payload.uid === uid),
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const row = rowsOf(model).get(id)
      if (row) row.payload.consumed = Math.floor(clock.now().getTime() / 1000)
    },
    destroy: async (id) => {
      if (model !== 'RefreshToken') rowsOf(model).delete(id)
      else if (options.canRevoke()) revoked.add(`${model}:${id}`)
    },
    revokeByGrantId: async (grantId) => {
      if (!options.canRevoke()) return
      options.onRevoke?.(grantId)
      for (const [id, row] of rowsOf(model)) {
        if (row.payload.grantId === grantId) revoked.add(`${model}:${id}`)
      }
    }
  })
  return {
    adapter,
    peek: live,
    save() {
      if (!file) return
      const kept = [...models].map(([model, rows]) => [
        model,
        [...rows].filter(([id]) => live(model, id) && !revoked.has(`${model}:${id}`))
      ])
      writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    }
  }
}

function load(file: string): [string, Map<string, Row>][] {
  if (!existsSync(file)) return []
  try {
    const kept: [string, [string, Row][]][] = JSON.parse(readFileSync(file, 'utf8'))
    return kept.map(([model, rows]) => [model, new Map(rows)])
  } catch {
    return []
  }
}
