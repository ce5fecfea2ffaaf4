import { randomBytes, randomUUID } from 'node:crypto'

/** A custom OAuth app, as a tenant's admin registers it at the account. */
export interface CustomApp {
  readonly clientId: string
  /** null: a public client. */
  readonly clientSecret: string | null
  /** Older secrets that still work. */
  readonly previousClientSecrets?: readonly string[]
  readonly redirectUrls: readonly string[]
  readonly scopes: readonly string[]
}

/** The same as the account's API knows it, member for member. */
export interface Integration {
  readonly integration_id: string
  readonly name: string
  readonly client_id: string
  readonly confidential: boolean
  readonly redirect_urls: readonly string[]
  readonly scopes: readonly string[]
  readonly token_access_policy: Readonly<Record<string, unknown>>
  readonly created_by: number
  readonly create_time: string
  readonly creator_username: string
}

export type IntegrationChange = Partial<
  Pick<Integration, 'redirect_urls' | 'scopes' | 'token_access_policy'>
>

/** What is registered at an account; every workspace of it knows these clients. */
export interface CustomApps {
  readonly all: () => readonly Integration[]
  find(id: string): Integration | undefined
  /** @returns the secret, which is told once; null for a public client */
  add(app: Omit<Integration, 'integration_id' | 'client_id'>): {
    readonly integration: Integration
    readonly clientSecret: string | null
  }
  update(id: string, change: IntegrationChange): void
  remove(id: string): void
  app(clientId: string): CustomApp | undefined
}

export function createCustomApps(): CustomApps {
  const integrations = new Map<string, Integration>()
  const secrets = new Map<string, string>()
  return {
    all: () => [...integrations.values()],
    find: (id) => integrations.get(id),
    add(app) {
      const integration = { ...app, integration_id: randomUUID(), client_id: randomUUID() }
      integrations.set(integration.integration_id, integration)
      const clientSecret = app.confidential ? `dose${randomBytes(16).toString('hex')}` : null
      if (clientSecret !== null) secrets.set(integration.client_id, clientSecret)
      return { integration, clientSecret }
    },
    update(id, change) {
      const known = integrations.get(id)
      if (known) integrations.set(id, { ...known, ...change })
    },
    remove: (id) => void integrations.delete(id),
    app(clientId) {
      const found = [...integrations.values()].find(({ client_id }) => client_id === clientId)
      if (!found) return undefined
      const { redirect_urls: redirectUrls, scopes } = found
      return { clientId, clientSecret: secrets.get(clientId) ?? null, redirectUrls, scopes }
    }
  }
}
