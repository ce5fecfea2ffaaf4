import { createHash } from 'node:crypto'
import pg from 'pg'
import { createAudit } from '../../src/audit/audit.ts'
import { systemClock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../../src/base/tenant-scope.ts'
import { createKeyRing, type KeyRing } from '../../src/crypto/key-ring.ts'
import { localKey, type RingKey } from '../../src/crypto/local-key.ts'
import { createKeyCustody, type KeyCustody } from '../../src/jobs/key-custody.ts'
import { createKeyRotation, type KeyRotation } from '../../src/jobs/key-rotation.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { createSigningKeys, type SigningKeys } from '../../src/vault/signing-keys.ts'
import { createStrongbox, type Place, type Strongbox } from '../../src/vault/strongbox.ts'
import { createWrappedKeys, type WrappedKeys } from '../../src/vault/wrapped-keys.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

/** One process's worth of keys; its ring may be changed as its file may be. */
export interface KeyReplica {
  readonly db: Db
  readonly keyRing: KeyRing
  readonly wrappedKeys: WrappedKeys
  readonly custody: KeyCustody
  readonly rotation: KeyRotation
  readonly strongbox: Strongbox
  readonly signingKeys: SigningKeys
  /** Newest first. */
  write(...kids: string[]): void
}

export interface KeyWorld {
  readonly database: TestDatabase
  replica(host: string, ...kids: string[]): KeyReplica
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** A tenant that has no data key yet. */
  tenant(slug: string): Promise<TenantScope>
  close(): Promise<void>
}

export const clock = systemClock()
export const place: Place = ['client_secrets', 'sec_1', 'sealed']

/** The same key for the same kid, however often it is asked for. */
export function ringKey(kid: string): RingKey {
  return { kid, key: new Secret(new Uint8Array(createHash('sha256').update(kid).digest())) }
}

export async function createKeyWorld(): Promise<KeyWorld> {
  const database = await createTestDatabase()
  const superuser = new pg.Client({ connectionString: database.superuserUrl })
  await superuser.connect()
  const dbs: Db[] = []
  return {
    database,
    replica(host, ...kids) {
      const db = createDb({ url: new Secret(database.appUrl), poolMax: 3 })
      dbs.push(db)
      let file = kids.map(ringKey)
      const keyRing = createKeyRing(file)
      const wrappedKeys = createWrappedKeys(db, keyRing, createAudit(db, clock))
      const keeping = { db, clock, keyRing, wrappedKeys }
      return {
        db,
        keyRing,
        wrappedKeys,
        custody: createKeyCustody({
          ...keeping,
          readKeys: () => file.map(localKey),
          replica: { id: `${host}-0000`, host }
        }),
        rotation: createKeyRotation(keeping),
        strongbox: createStrongbox(db, keyRing, clock),
        signingKeys: createSigningKeys({ db, keyWrap: keyRing, clock }),
        write: (...next) => {
          file = next.map(ringKey)
        }
      }
    },
    sql: async (text, values = []) => (await superuser.query(text, values)).rows,
    async tenant(slug) {
      await superuser.query(
        `INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, $2, $2, now())`,
        [`ten_${slug}`, slug]
      )
      const actor = { kind: 'system', id: 'test' } as const
      return makeTenantScope(asId('tenant', `ten_${slug}`), actor, systemAuthority)
    },
    async close() {
      await Promise.all(dbs.map((db) => db.close()))
      await superuser.end()
      await database.drop()
    }
  }
}

/** What an AppError says to the log; fails where there is none. */
export async function noteOf(work: Promise<unknown>): Promise<string> {
  const err = await work.then(
    () => null,
    (caught: unknown) => caught
  )
  if (!(err instanceof AppError)) throw new TypeError(`no AppError: ${String(err)}`)
  return `${err.code}: ${err.note}`
}
