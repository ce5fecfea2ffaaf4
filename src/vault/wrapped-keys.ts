import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { rewrap } from '../crypto/key-ring.ts'
import type { KeyWrap } from '../crypto/key-wrap.ts'
import { listDataKeys, replaceWrapped } from '../store/data-keys.ts'
import type { Db } from '../store/db.ts'
import { listSigningKeys, replaceSigningKeyWrapped } from '../store/signing-keys.ts'

/** Whatever lies wrapped by the key ring: a tenant's data keys or, where the scope is null, the signing keys. */
export interface WrappedKeys {
  /** How many each key of the ring wraps, by what the wrapped texts say. */
  count(scope: TenantScope | null): Promise<ReadonlyMap<string, number>>
  /** Whether this process can unwrap one that `kid` wraps; null: there is none. */
  proves(scope: TenantScope | null, kid: string): Promise<boolean | null>
  /** Wraps what another key wraps by the one that seals; what one cannot be, hinders none of the others. */
  rewrap(scope: TenantScope | null): Promise<Rewrapping>
}

export interface Rewrapping {
  readonly rewrapped: number
  /** Ids of those that could not be. */
  readonly failed: readonly string[]
}

interface Item {
  readonly id: string
  readonly wrapped: string
  readonly context: string
  /** @returns false: somebody else was faster, and it is as they left it */
  replace(wrapped: string, kekKid: string): Promise<boolean>
}

export function createWrappedKeys(
  db: Db,
  keyWrap: KeyWrap,
  audit: Pick<Audit, 'append'>
): WrappedKeys {
  async function itemsOf(scope: TenantScope | null): Promise<Item[]> {
    if (scope === null) {
      const rows = await listSigningKeys(db)
      return rows.map(({ kid, wrapped }) => ({
        id: kid,
        wrapped,
        context: signingKeyContext(kid),
        replace: (next, kekKid) =>
          replaceSigningKeyWrapped(db, { kid, wrapped }, { wrapped: next, kekKid })
      }))
    }
    const rows = await db.inTenant(scope, listDataKeys)
    return rows.map(({ id, wrapped }) => ({
      id,
      wrapped,
      context: dataKeyContext(scope, id),
      replace: (next, kekKid) =>
        db.inTenant(scope, async (tx) => {
          if (!(await replaceWrapped(tx, { id, wrapped }, { wrapped: next, kekKid }))) return false
          const details = { from: keyWrap.kidOf(wrapped), to: kekKid }
          await audit.append(tx, { action: 'data_key.rewrap', object: ['data_key', id], details })
          return true
        })
    }))
  }

  return {
    async count(scope) {
      const counts = new Map<string, number>()
      for (const { wrapped } of await itemsOf(scope)) {
        const kid = keyWrap.kidOf(wrapped)
        counts.set(kid, (counts.get(kid) ?? 0) + 1)
      }
      return counts
    },
    async proves(scope, kid) {
      const found = (await itemsOf(scope)).find(({ wrapped }) => keyWrap.kidOf(wrapped) === kid)
      if (found === undefined) return null
      return await keyWrap.unwrap(found.wrapped, found.context).then(
        () => true,
        () => false
      )
    },
    async rewrap(scope) {
      const { sealingKid } = keyWrap
      const failed: string[] = []
      let rewrapped = 0
      for (const { id, wrapped, context, replace } of await itemsOf(scope)) {
        if (keyWrap.kidOf(wrapped) === sealingKid) continue
        try {
          const next = await rewrap(keyWrap, wrapped, context)
          if (await replace(next, keyWrap.kidOf(next))) rewrapped += 1
        } catch (err) {
          if (!(err instanceof AppError) || err.code !== 'key_unavailable') throw err
          failed.push(id)
        }
      }
      return { rewrapped, failed }
    }
  }
}

/** Where a tenant's wrapped data key lies. */
export function dataKeyContext(scope: TenantScope, dataKeyId: string): string {
  return `${scope.tenantId}/data_keys/${dataKeyId}`
}

/** Where the wrapped data key of one of Weft's own signing keys lies. */
export function signingKeyContext(kid: string): string {
  return `platform/signing_keys/${kid}`
}
