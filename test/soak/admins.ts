import { randomUUID } from 'node:crypto'
import type { Answer, Call } from './client.ts'
import type { Dice } from './dice.ts'
import type { Findings } from './findings.ts'
import type { Fleet } from './fleet.ts'
import { newSecret, type Place, type Tenant } from './world.ts'

interface Listed {
  readonly clientSecrets: readonly { readonly id: string; readonly state: string }[]
}

/** What every replica has noticed by then. */
const noticeMs = 6_000
const attemptsMax = 30

/** An admin who replaces secrets as the documentation says, and mistypes some of them. */
export async function administer(
  { fleet, findings }: { fleet: Fleet; findings: Findings },
  tenant: Tenant,
  dice: Dice,
  signal: AbortSignal
): Promise<void> {
  /** Until it is done, whatever the weather. */
  async function insist(call: Call, isDone: (answer: Answer) => boolean): Promise<Answer | null> {
    let headers = { 'idempotency-key': randomUUID() }
    let told = ''
    for (let attempt = 0; attempt < attemptsMax && !signal.aborted; attempt += 1) {
      const isCreation = call.method === 'POST'
      const answer = await fleet.call(dice, tenant.admin, isCreation ? { ...call, headers } : call)
      if (answer !== null && isDone(answer)) return answer
      // The first call died half-way: nobody knows its effect, and a second one does no harm here.
      if (answer?.code === 'idempotency_conflict') headers = { 'idempotency-key': randomUUID() }
      told = `${answer?.status} ${answer?.text.slice(0, 300)}`
      await dice.pause(300, 1_500, signal)
    }
    if (!signal.aborted)
      findings.violate('an admin gives up', `${call.method} ${call.path}: ${told}`)
    return null
  }

  async function addSecret(place: Place, clientSecret: string): Promise<string | null> {
    const path = `/api/v1/app-connections/${place.appConnectionId}/client-secrets`
    const call: Call = { method: 'POST', path, body: { clientSecret } }
    const answer = await insist(call, ({ status }) => status === 201)
    if (answer === null) return null
    const { clientSecrets } = JSON.parse(answer.text) as Listed // by the API's contract
    return clientSecrets.find(({ state }) => state === 'current')?.id ?? null
  }

  async function removeSecret(place: Place, id: string): Promise<void> {
    const path = `/api/v1/app-connections/${place.appConnectionId}/client-secrets/${id}`
    await insist({ method: 'DELETE', path }, ({ status }) => status === 204 || status === 404)
  }

  /** With overlap: at no moment is there no secret that both sides know. */
  async function replaceClientSecret(place: Place): Promise<void> {
    const valid = place.provider.server.clients.get(place.clientId)
    if (valid === undefined) return
    const isTypo = dice.chance(30)
    if (isTypo) {
      const id = await addSecret(place, newSecret())
      findings.count('edit mistyped secret')
      await dice.pause(1_000, 4_000, signal)
      if (id !== null) await removeSecret(place, id)
      return
    }
    const [old] = valid
    const path = `/api/v1/app-connections/${place.appConnectionId}`
    const before = await insist({ method: 'GET', path }, ({ status }) => status === 200)
    const fresh = newSecret()
    valid.add(fresh)
    const id = await addSecret(place, fresh)
    if (id === null || before === null) return
    findings.count('edit client secret')
    await dice.pause(noticeMs, noticeMs, signal)
    if (signal.aborted) return
    if (old !== undefined) valid.delete(old)
    await dice.pause(0, 3_000, signal)
    const { clientSecrets } = JSON.parse(before.text) as Listed // by the API's contract
    for (const previous of clientSecrets) await removeSecret(place, previous.id)
  }

  /** A service principal has one secret at a time here; there it has both until all have noticed. */
  async function replacePrincipalSecret(place: Place): Promise<void> {
    const valid = place.provider.server.clients.get(place.principalId)
    if (valid === undefined) return
    const olds = [...valid]
    const clientSecret = newSecret()
    valid.add(clientSecret)
    const path = `/api/v1/fabrics/${place.fabricId}`
    const isKept = await insist({ method: 'GET', path }, ({ status }) => status === 200).then(
      async (answer) => {
        if (answer === null) return null
        const { version } = JSON.parse(answer.text) as { version: number } // by the API's contract
        const servicePrincipal = { clientId: place.principalId, clientSecret }
        const call = { method: 'PATCH', path, body: { version, servicePrincipal } }
        // A version conflict is the end of an earlier attempt whose answer was lost.
        return await insist(call, ({ status }) => status === 200 || status === 412)
      }
    )
    if (isKept === null) return
    findings.count('edit service principal secret')
    await dice.pause(noticeMs, noticeMs, signal)
    if (!signal.aborted) for (const old of olds) valid.delete(old)
  }

  while (!signal.aborted) {
    await dice.pause(3_000, 9_000, signal)
    if (signal.aborted) return
    const place = dice.pick(tenant.places)
    await (dice.chance(60) ? replaceClientSecret(place) : replacePrincipalSecret(place))
  }
}
