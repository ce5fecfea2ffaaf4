import { type Clock, secondsOf } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import { ownTokenLifeMaxMs, type SigningKeys } from './signing-keys.ts'

/** Which fabric it is, and whose. */
export interface WorkloadFabric {
  readonly tenantId: string
  readonly teamId: string
  readonly id: string
}

/** A fabric that shows who it is by a JWT of Weft's, where its service principal has no secret. */
export interface WorkloadIdentity {
  /** `iss`: the deployment's public URL, under which its keys are found (OpenID Connect Discovery §4). */
  readonly issuer: string
  /**
   * A JWT for one workspace, for an hour at most: what it is traded for lives no longer than it does.
   * @param audience the only place that may take it
   */
  tokenFor(fabric: WorkloadFabric, audience: string): Promise<Secret>
  /**
   * The keys that check such JWTs, as JSON (RFC 7517 §5), for whom the issuer is out of reach.
   * @returns `goodUntil`: from when on a key may sign that is not among them
   */
  keys(): Promise<{ readonly json: string; readonly goodUntil: Date }>
}

/** What issuers of workload identities call it; an access token of ours (`at+jwt`) is never one, nor the reverse. */
const typ = 'JWT'

export function createWorkloadIdentity(deps: {
  readonly signingKeys: Pick<SigningKeys, 'sign' | 'published' | 'publishedUntil'>
  readonly clock: Clock
  readonly publicUrl: string
}): WorkloadIdentity {
  const { signingKeys, clock, publicUrl: issuer } = deps
  return {
    issuer,
    async tokenFor(fabric, aud) {
      const iat = secondsOf(clock.now())
      const exp = iat + ownTokenLifeMaxMs / 1_000
      const sub = subjectOf(fabric)
      const jti = newId('token', clock)
      return new Secret(await signingKeys.sign(typ, { iss: issuer, aud, sub, jti, iat, exp }))
    },
    async keys() {
      const json = JSON.stringify(await signingKeys.published())
      return { json, goodUntil: await signingKeys.publishedUntil() }
    }
  }
}

/**
 * `sub` of a fabric's JWT. The team is in it: a fabric that goes to another team leaves behind what was
 * granted to it, as it leaves a secret behind.
 */
export function subjectOf({ tenantId, teamId, id }: WorkloadFabric): string {
  return `tenant:${tenantId}:team:${teamId}:fabric:${id}`
}
