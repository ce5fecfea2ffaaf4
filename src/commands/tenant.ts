import { Secret } from '../base/secret.ts'
import {
  commandLineCall,
  type ErasureReceipt,
  type LoginProviderInput,
  type TenantView
} from '../identity/identity.ts'
import {
  type Command,
  type CommandRooms,
  command,
  type Given,
  given,
  needed,
  UsageError
} from './command.ts'

const forDays = 7 * 24 * 3_600_000
const pageSize = 200

export const tenantCommands: readonly Command[] = [
  command({
    name: 'tenant create',
    usage:
      '--slug SLUG --name NAME [--admin EMAIL] [--login-issuer URL --login-client-id ID ' +
      '--login-client-secret-stdin [--email-domains a.com,b.com]]',
    about:
      'make a tenant; the secret comes on standard input. With a login provider it may run again',
    options: {
      slug: { type: 'string' },
      name: { type: 'string' },
      admin: { type: 'string' },
      'login-issuer': { type: 'string' },
      'login-client-id': { type: 'string' },
      'login-client-secret-stdin': { type: 'boolean' },
      'email-domains': { type: 'string' }
    },
    positionalsMax: 0,
    run: create,
    tell: ({ tenantId, redirectUri }) =>
      redirectUri === null
        ? tenantId
        : `${tenantId}\nregister at the identity provider: ${redirectUri}`
  }),
  command({
    name: 'tenant list',
    usage: '',
    about: 'every tenant, newest first',
    options: {},
    positionalsMax: 0,
    run: (_given, { identity }) => listAll(identity.tenants),
    tell: (tenants) => tenants.map(lineOf).join('\n')
  }),
  command({
    name: 'tenant suspend',
    usage: 'SLUG|ID',
    about: 'shut a tenant: nobody is let in, nothing is lost',
    options: {},
    positionalsMax: 1,
    run: async (asked, { identity: { tenants } }) =>
      tenants.suspend(commandLineCall, (await find(asked, tenants)).id),
    tell: lineOf
  }),
  command({
    name: 'tenant resume',
    usage: 'SLUG|ID',
    about: 'open a suspended tenant again',
    options: {},
    positionalsMax: 1,
    run: async (asked, { identity: { tenants } }) =>
      tenants.resume(commandLineCall, (await find(asked, tenants)).id),
    tell: lineOf
  }),
  command({
    name: 'tenant erase',
    usage: 'SLUG|ID --confirm SLUG',
    about: 'destroy a tenant’s keys, then all of its rows, for good; prints the receipt',
    options: { confirm: { type: 'string' } },
    positionalsMax: 1,
    run: async (asked, { identity: { tenants } }) => {
      const confirm = needed(asked, 'confirm')
      return tenants.erase(commandLineCall, (await find(asked, tenants)).id, confirm, forDays)
    },
    tell: receiptText
  })
]

async function create(asked: Given, { identity, bootstrap, readInput }: CommandRooms) {
  const [slug, name] = [needed(asked, 'slug'), needed(asked, 'name')]
  const firstAdminEmail = given(asked, 'admin')
  const login = await loginOf(asked, readInput)
  if (login !== null) {
    return await bootstrap.createTenant({ slug, name, adminEmail: firstAdminEmail, login })
  }
  const input = { slug, name, firstAdminEmail, login: null }
  const { id } = await identity.tenants.create(commandLineCall, input)
  return { tenantId: id, loginProviderId: null, redirectUri: null }
}

async function loginOf(
  asked: Given,
  readInput: CommandRooms['readInput']
): Promise<LoginProviderInput | null> {
  const hasNone = given(asked, 'login-issuer') === null && given(asked, 'login-client-id') === null
  if (hasNone) return null
  const [issuer, clientId] = [needed(asked, 'login-issuer'), needed(asked, 'login-client-id')]
  if (asked.values['login-client-secret-stdin'] !== true) {
    throw new UsageError('--login-client-secret-stdin is needed beside --login-issuer')
  }
  const emailDomains = given(asked, 'email-domains')?.split(',') ?? []
  const clientSecret = new Secret((await readInput()).trim())
  return { issuer, clientId, clientSecret, emailDomains }
}

type Tenants = CommandRooms['identity']['tenants']

async function listAll(tenants: Tenants): Promise<TenantView[]> {
  const all: TenantView[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Tenants['list']>> = await tenants.list(commandLineCall, {
      limit: pageSize,
      cursor
    })
    all.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return all
}

/** By slug or id; no slug looks like an id. */
async function find({ positionals: [name] }: Given, tenants: Tenants): Promise<TenantView> {
  if (name === undefined) throw new UsageError('which tenant? Its slug or its id is needed')
  return await tenants.find(commandLineCall, name)
}

function lineOf({ id, slug, status, name, counts }: TenantView): string {
  return `${id}  ${status.padEnd(9)}  ${slug}  ${counts.members} members  ${name}`
}

function receiptText({ slug, finishedAt, rows, grants, audit }: ErasureReceipt): string {
  const count = Object.values(rows).reduce((sum, one) => sum + one, 0)
  return [
    `${slug}: ${finishedAt === null ? 'rows are still being deleted' : 'erased'}; keys destroyed`,
    `rows deleted: ${count}, and ${audit?.length ?? 0} audit events (last hash ${audit?.headHash ?? 'none'})`,
    grants === null
      ? 'sign-ins at the provider: not known'
      : `sign-ins at the provider: ${grants.revoked} revoked, ${grants.notRevoked} not`
  ].join('\n')
}
