import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import { type AccountSession, accountFault } from '../oauth/account-session.ts'
import type { AppPolicy, AppRegistration, FoundApp } from '../providers/account.ts'
import type { Provider } from '../providers/provider.ts'

/** What the account made, and the policy that it took. */
export interface MadeApp {
  readonly made: { readonly id: string; readonly clientId: string; readonly clientSecret: Secret }
  readonly policy: AppPolicy
}

const pagesMax = 50

/** The first of the account's apps that fits; null: none does. */
export async function findApp(
  session: AccountSession,
  { account }: Provider,
  fits: (app: FoundApp) => boolean
): Promise<FoundApp | null> {
  let pageToken: string | null = null
  for (let page = 0; page < pagesMax; page += 1) {
    const call = account.list(session.accountId, pageToken)
    const { items, nextPageToken } = await session.mustAsk(call)
    const found = items.find(fits)
    if (found !== undefined) return found
    if (nextPageToken === null) return null
    pageToken = nextPageToken
  }
  return null
}

/** What a registration that came to no good end left at the account: nobody has its secret. */
export async function removeApp(
  session: AccountSession,
  provider: Provider,
  redirectUri: string
): Promise<void> {
  const left = await findApp(session, provider, hasRedirectUri(redirectUri))
  if (left !== null) await session.mustAsk(provider.account.remove(session.accountId, left.id))
}

/** @throws AppError `conflict`: an admin has made one by hand, which is not ours to delete */
export async function refuseApp(
  session: AccountSession,
  provider: Provider,
  redirectUri: string
): Promise<void> {
  const other = await findApp(session, provider, hasRedirectUri(redirectUri))
  if (other === null) return
  throw new AppError('conflict', {
    detail:
      'The account has an app with this redirect URI already; give its client ID and secret, or delete it there'
  })
}

/** An account that knows nothing of single-use refresh tokens gets the app without them, unless they were asked for. */
export async function makeApp(
  session: AccountSession,
  { account }: Provider,
  registration: AppRegistration & { readonly name: string },
  isSingleUseAsked: boolean
): Promise<MadeApp> {
  const first = await session.ask(account.create(session.accountId, registration))
  if (first.ok) return { made: first.value, policy: registration.policy }
  const isWorthAnother = registration.policy.hasSingleUseRefreshTokens && !isSingleUseAsked
  if (first.failure !== 'input_refused' || !isWorthAnother) throw accountFault(first.failure)
  const policy = { ...registration.policy, hasSingleUseRefreshTokens: null }
  const plain = { ...registration, policy }
  return { made: await session.mustAsk(account.create(session.accountId, plain)), policy }
}

function hasRedirectUri(redirectUri: string): (app: FoundApp) => boolean {
  return ({ redirectUrls }) => redirectUrls.includes(redirectUri)
}
