import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import { createAccessTokens } from '../../src/identity/access-tokens.ts'
import { createAuthentication } from '../../src/identity/authentication.ts'
import { createLastUses } from '../../src/identity/last-uses.ts'
import { createDb } from '../../src/store/db.ts'
import { createTenantVersions } from '../../src/store/tenant-versions.ts'
import { createSigningKeys } from '../../src/vault/signing-keys.ts'
import { number, type Section } from './markdown.ts'
import { median } from './traffic.ts'
import type { BenchedWeft } from './weft.ts'
import { publicUrl } from './weft-process.ts'

const batches = 9

/** What it takes to know who calls, in this process: nothing of HTTP, no other load. */
export async function measureVerification(
  { world, credentials }: Pick<BenchedWeft, 'world' | 'credentials'>,
  rounds: number
): Promise<Section> {
  const clock = systemClock()
  const db = createDb({ url: new Secret(world.database.appUrl), poolMax: 2 })
  const [kid = '', key = ''] = world.keyRing.split(':')
  const bytes = new Secret(new Uint8Array(Buffer.from(key, 'base64')))
  const keyWrap = createKeyRing([{ kid, key: bytes }])
  const signingKeys = createSigningKeys({ db, keyWrap, clock })
  const accessTokens = createAccessTokens({ signingKeys, publicUrl })
  const versions = createTenantVersions(db, clock)
  const lastUses = createLastUses(db)
  const audit = { record: async () => undefined }
  const fresh = () => createAuthentication({ db, audit, clock, versions, lastUses, accessTokens })
  const presenting = (bearer: string) => ({
    sessionToken: null,
    bearer,
    source: '127.0.0.1',
    requestId: 'bench-verification'
  })

  async function cold(bearer: string): Promise<number> {
    const times: number[] = []
    for (let at = 0; at < Math.ceil(rounds / 10); at += 1) {
      const authenticate = fresh()
      times.push(await microsOf(() => authenticate(presenting(bearer))))
    }
    return median(times)
  }

  async function inBatches(verify: () => Promise<unknown>): Promise<number> {
    const times: number[] = []
    for (let at = 0; at < batches; at += 1) {
      const batch = await microsOf(async () => {
        for (let round = 0; round < rounds; round += 1) await verify()
      })
      times.push(batch / rounds)
    }
    return median(times)
  }

  async function warm(bearer: string): Promise<number> {
    const authenticate = fresh()
    await authenticate(presenting(bearer))
    return await inBatches(() => authenticate(presenting(bearer)))
  }

  try {
    const { serviceKey, accessToken } = credentials
    // The median of batches where it is known, of single ones where it is not.
    const micros = {
      'service key, known': await warm(serviceKey),
      'service key, read from the database': await cold(serviceKey),
      'Weft token (JWT), known': await warm(accessToken),
      'Weft token (JWT), signature alone (ES256)': await inBatches(() =>
        accessTokens.read(accessToken)
      ),
      'Weft token (JWT), signature and database': await cold(accessToken)
    }
    return {
      title: 'Knowing who calls, in process',
      head: ['', 'µs'],
      rows: Object.entries(micros).map(([what, each]) => [what, number(each, 1)]),
      note: '',
      faults: []
    }
  } finally {
    await db.close()
  }
}

async function microsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return (performance.now() - startedMs) * 1_000
}
