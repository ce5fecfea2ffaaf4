/**
 * The whole local stack, in order: Postgres, two workspaces, the identity provider, Weft, what it is seeded with.
 * Owns: the order of starting and of stopping. May touch: the parts beside it.
 * Never: reads the environment of the process or ends it.
 */
import type { StackArguments } from './arguments.ts'
import { emptyDataFolder, type KeptSecrets, openDataFolder } from './data-folder.ts'
import { prepareDatabase } from './database.ts'
import { holdPort, portOrFree } from './free-port.ts'
import { createGlobex } from './globex.ts'
import { choosePorts, startOnPort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { seed } from './seed.ts'
import { StackError } from './stack-error.ts'
import { claim, publish, release, type StackSummary } from './stack-file.ts'
import { launchWeft } from './weft-process.ts'

export interface StackOptions extends Pick<StackArguments, 'isFresh' | 'ports' | 'prefix'> {
  readonly dataDir: string
  /** What Weft inherits of our own environment: PATH and its like. */
  readonly inherited: Record<string, string>
  readonly isDurable: boolean
  readonly say: (line: string) => void
  /** What Weft writes, as it comes. */
  readonly writeLog: (text: string) => void
}

export interface RunningStack {
  readonly summary: StackSummary
  /** Settles with a reason when a part ends that should not. */
  readonly broken: Promise<string>
}

export const people = [
  { email: 'admin@acme.test', name: 'Ada Admin', role: 'tenant_admin' },
  { email: 'dev@acme.test', name: 'Dev Devi', role: 'member' },
  { email: 'guest@globex.test', name: 'Gus Guest', role: 'tenant_admin' }
] as const

const adminPort = 9090
/** Its subdomains lead to this machine wherever a browser or curl asks (RFC 6761 §6.3). */
const fabricDomain = 'localhost'
const tenant = 'acme'
const endpoint = 'databricks-llama'

/** Starting and stopping one stack; `stop` may be called at any time, also while it is starting. */
export function createStack(options: StackOptions) {
  const stoppers: { name: string; stop: () => Promise<void> | void }[] = []
  let starting: Promise<unknown> = Promise.resolve()
  let stopping: Promise<void> | undefined
  const { say } = options

  const stopAll = async () => {
    for (let part = stoppers.pop(); part; part = stoppers.pop()) {
      const { name, stop } = part
      await Promise.resolve(stop()).catch((error: unknown) => say(`${name}: ${messageOf(error)}`))
    }
  }
  const step = async <T extends { readonly ready?: Promise<void>; stop: () => Promise<void> }>(
    name: string,
    begin: () => Promise<T>
  ) => {
    const startedAt = performance.now()
    const part = await begin()
    stoppers.push({ name, stop: part.stop })
    await part.ready
    if (stopping) throw new StackError('Stopped while it was starting')
    say(`${name} (${msSince(startedAt)} ms)`)
    return part
  }

  const start = async (): Promise<RunningStack> => {
    if (options.isFresh) claimAndEmpty(options.dataDir)
    const data = openDataFolder(options.dataDir)
    claim(data)
    stoppers.push({ name: 'data folder', stop: () => release(data) })
    const secrets = data.secrets()
    data.makeKeyRing()
    const wanted = choosePorts(options.ports, data.ports())

    const held = await holdPort(wanted.weft)
    const weftPort = held.port
    if (wanted.weft !== 0 && weftPort !== wanted.weft) {
      say(`Port ${wanted.weft} is taken; Weft uses ${weftPort} instead.`)
    }
    // Both names lead to this machine; people type either.
    const [weft, byAddress] = ['localhost', '127.0.0.1'].map(
      (name) => `http://${name}:${weftPort}${options.prefix}`
    ) as [string, string]
    const startDatabase = async () => {
      const postgres = await step('Postgres', () =>
        startPostgres({ dataDir: data.postgres, port: 0, durable: options.isDurable })
      )
      return { postgres, database: await prepareDatabase(postgres.superuserUrl, secrets) }
    }
    const startSimulators = async () => {
      // Loaded while Postgres makes its folder ready.
      const databricks = await import('./databricks/workspace.ts')
      const { startIdentityProvider } = await import('./identity-provider.ts')
      const customApps = databricks.createCustomApps()
      const federationPolicies = databricks.createFederationPolicies()
      const workspace = (index: 1 | 2) =>
        step(`Databricks workspace ${index}`, () =>
          startOnPort(wanted[`workspace${index}`], `workspace ${index}`, say, (port) =>
            databricks.startDatabricks({
              port,
              workspaceId: `90080070060${index}`,
              name: `Databricks workspace ${index}`,
              people,
              customApps,
              federationPolicies,
              stateFile: data.workspaceState(index),
              log: say
            })
          )
        )
      const workspaces = [await workspace(1), await workspace(2)] as const
      const idp = await step('Identity provider', () => {
        const clients = ['acme', 'globex'].map((slug) =>
          loginClient(slug, secrets, [weft, byAddress])
        )
        const begin = (port: number) =>
          startIdentityProvider({
            port,
            people,
            clients,
            stateFile: data.identityProviderState,
            log: say
          })
        return startOnPort(wanted.idp, 'the identity provider', say, begin, wanted.isIdpFixed)
      })
      return { workspaces, idp }
    }
    const [{ postgres, database }, { workspaces, idp }] = await bothOf(
      startDatabase(),
      startSimulators()
    )
    data.keepPorts({
      weft: weftPort,
      workspace1: workspaces[0].port,
      workspace2: workspaces[1].port,
      idp: idp.port
    })

    const webhookReceiver = `http://127.0.0.1:${await portOrFree(0)}`
    const metricsPort = await portOrFree(options.ports === undefined ? adminPort : 0)
    const env = {
      ...options.inherited,
      WEFT_PUBLIC_URL: weft,
      WEFT_OTHER_PUBLIC_URLS: byAddress,
      WEFT_FABRIC_DOMAIN: fabricDomain,
      WEFT_PORT: String(weftPort),
      WEFT_ADMIN_PORT: String(metricsPort),
      WEFT_DATABASE_URL: database.appUrl,
      WEFT_KEY_RING_FILE: data.keyRing,
      WEFT_EXTRA_WORKSPACE_ORIGINS: workspaces
        .flatMap(({ url, dataPlaneUrl }) => [url, dataPlaneUrl])
        .join(','),
      WEFT_EXTRA_WEBHOOK_ORIGINS: webhookReceiver,
      WEFT_BOOTSTRAP_TENANT: tenant,
      WEFT_BOOTSTRAP_ADMIN: people[0].email,
      WEFT_LOGIN_ISSUER: idp.url,
      WEFT_LOGIN_CLIENT_ID: 'weft-acme',
      WEFT_LOGIN_CLIENT_SECRET: secrets.acmeLoginSecret,
      WEFT_LOGIN_EMAIL_DOMAINS: 'acme.test'
    }
    const owner = { WEFT_OWNER_DATABASE_URL: database.ownerUrl }
    await held.letGo()
    const process = await step('Weft', async () =>
      launchWeft(weft, { ...env, ...owner }, options.writeLog)
    )
    const broken = Promise.race([
      postgres.ended.then((words) => `Postgres ended:\n${words}`),
      process.ended.then((words) => `Weft ended:\n${words}`)
    ])
    const seedingFrom = performance.now()
    const [{ slug, ...seeded }] = await bothOf(
      seed({
        weft,
        otherUrl: byAddress,
        tenant,
        admin: people[0].email,
        workspaces,
        identityProvider: idp,
        secrets,
        data
      }),
      createGlobex(env, idp, secrets.globexLoginSecret)
    )
    say(`Seeded tenants acme and globex (${msSince(seedingFrom)} ms)`)
    const summary: StackSummary = {
      weft,
      workspaces: [workspaces[0].url, workspaces[1].url],
      identityProvider: idp.url,
      admin: `http://localhost:${metricsPort}`,
      webhookReceiver,
      tenant,
      people: people.map(({ email, role }) => ({ email, role })),
      ...seeded,
      fabricHost: `http://${slug}--${tenant}.${fabricDomain}:${weftPort}`,
      endpoint
    }
    publish(data, summary)
    return { summary, broken }
  }

  return {
    start(): Promise<RunningStack> {
      const started = start().catch(async (error: unknown) => {
        if (stopping === undefined) await stopAll()
        throw error
      })
      starting = started.catch(() => undefined)
      return started
    },
    /** Stops all parts in reverse order; resolves when nothing is left. */
    stop(): Promise<void> {
      // What is just being started ends up among the parts, and stops then.
      stopping ??= stopAll()
        .then(() => starting)
        .then(stopAll)
      return stopping
    }
  }
}

function msSince(startedAt: number): number {
  return Math.round(performance.now() - startedAt)
}

/** Settles when both have: where one fails the other is not left half-way. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other])
  return Promise.all([one, other])
}

function claimAndEmpty(dataDir: string): void {
  const data = openDataFolder(dataDir)
  claim(data)
  emptyDataFolder(dataDir)
}

function loginClient(slug: string, secrets: KeptSecrets, urls: readonly string[]) {
  return {
    clientId: `weft-${slug}`,
    clientSecret: slug === 'acme' ? secrets.acmeLoginSecret : secrets.globexLoginSecret,
    redirectUris: urls.map((url) => `${url}/auth/callback/*`)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}
