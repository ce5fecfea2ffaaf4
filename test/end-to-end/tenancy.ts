import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeptSecrets } from '../../src/local/data-folder.ts'
import { logIn, type WeftClient } from '../../src/local/weft-client.ts'
import type { StartedStack } from '../support/stack.ts'

export interface Fabric {
  readonly id: string
  readonly name: string
  readonly teamId: string
  readonly version: number
}

interface Access {
  readonly fabricId: string
  readonly endpoints?: readonly string[]
  readonly requestsPerMinute?: number
}

export const question = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] })

/** Weft's people and things, made over its public API alone. */
export async function openTenancy(stack: StartedStack) {
  const admin = await logIn(stack.weft, stack.tenant, 'admin@acme.test')
  const member = await logIn(stack.weft, stack.tenant, 'dev@acme.test')
  const kept: KeptSecrets = JSON.parse(readFileSync(join(stack.dataDir, 'secrets.json'), 'utf8'))
  const seeded = stack.fabrics[0]?.id ?? ''
  const { teamId } = await admin.expect<Fabric>(200, 'GET', `/api/v1/fabrics/${seeded}`)
  const name = (what: string) => `${what} ${randomBytes(4).toString('hex')}`

  /** A service account with one key, allowed on `fabrics` and nothing else. */
  async function account(fabrics: readonly Access[]) {
    const path = '/api/v1/service-accounts'
    const { id } = await admin.expect<{ id: string }>(201, 'POST', path, { name: name('Service') })
    await admin.expect(200, 'PUT', `${path}/${id}/fabrics`, { fabrics })
    const keys = `${path}/${id}/keys`
    const made = await admin.expect<{ id: string; key: string }>(201, 'POST', keys, { name: 'k' })
    const revoke = () => admin.expect(204, 'DELETE', `${keys}/${made.id}`)
    return { id, key: made.key, revoke }
  }

  return {
    admin,
    member,
    seeded,
    /** A complete fabric of the shared team at the first workspace, with the seeded service principal. */
    async fabric(more: Record<string, unknown> = {}) {
      const { id } = await admin.expect<Fabric>(201, 'POST', '/api/v1/fabrics', {
        name: name('Fabric'),
        teamId,
        kind: 'spark',
        provider: 'databricks',
        authMethod: 'oauth',
        workspaceUrl: stack.workspaces[0],
        servicePrincipal: {
          clientId: kept.principalClientId,
          clientSecret: kept.principalClientSecret
        },
        ...more
      })
      return admin.expect<Fabric>(200, 'POST', `/api/v1/fabrics/${id}/complete`)
    },
    /** A service account's key, allowed on `fabrics` and nothing else. */
    async key(fabrics: readonly Access[]) {
      return (await account(fabrics)).key
    },
    account,
    /** Through the real redirects and the consent page, to the end. */
    async signIn(client: WeftClient, email: string, fabricId = seeded) {
      const landing = await client.browser.walk(
        `${stack.weft}/sign-in/${fabricId}?return_to=/console`,
        { login: email, stopAt: ({ pathname }) => pathname === '/console' }
      )
      if (landing.status !== 0) throw new TypeError(`ended at ${landing.url}: ${landing.text}`)
    }
  }
}

export type Tenancy = Awaited<ReturnType<typeof openTenancy>>
