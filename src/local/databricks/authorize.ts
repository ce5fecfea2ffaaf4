/**
 * The browser's side of a sign-in at a workspace: checks before, who are you, do you allow it.
 * Owns: the pages. May touch: oidc-provider's interactions.
 * Never: decides on a token.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AccountClaims, errors, type InteractionResults, type Provider } from 'oidc-provider'
import { sendHtml, sendJson } from '../simulation/exchange.ts'
import { page, personForm, text } from '../simulation/page.ts'
import { grantableScopes } from './oauth.ts'
import type { Registry } from './registry.ts'

const authorizePaths = ['/v1/authorize', '/oauth2/v2.0/authorize']

/** Rewrites an authorize request so that oidc-provider sees what Databricks would make of it. */
export function prepareAuthorize(provider: Provider, registry: Registry): void {
  provider.use(async (ctx, next) => {
    if (!authorizePaths.includes(ctx.path) || ctx.method !== 'GET') return next()
    ctx.path = '/v1/authorize'
    const query = { ...ctx.query }
    const scopes = String(query.scope ?? '')
      .split(' ')
      .filter(Boolean)
    const app = registry.app(String(query.client_id))
    const redirectUrl = String(query.redirect_uri)
    if (app?.redirectUrls.includes(redirectUrl)) {
      const allowed = grantableScopes(registry, app.clientId)
      const refused = scopes.filter((scope) => !allowed.includes(scope))
      if (refused.length > 0) {
        const target = new URL(redirectUrl)
        target.searchParams.set('error', 'invalid_scope')
        target.searchParams.set(
          'error_description',
          `Scopes '${refused.join(' ')}' are not allowed`
        )
        if (query.state !== undefined) target.searchParams.set('state', String(query.state))
        target.searchParams.set('iss', provider.issuer)
        return ctx.redirect(target.href)
      }
    }
    // refresh tokens are given for the scope alone; oidc-provider wants consent to have been asked for
    if (scopes.includes('offline_access')) {
      query.prompt = [...new Set([...String(query.prompt ?? '').split(' '), 'consent'])]
        .filter(Boolean)
        .join(' ')
    }
    if (!scopes.includes('openid')) delete query.nonce
    ctx.query = query
    return next()
  })
}

export interface InteractionDeps {
  readonly provider: Provider
  readonly registry: Registry
  readonly name: string
}

/** Serves `/oidc/interaction/{uid}`; `req` and `res` as the server got them. */
export async function interact(
  { provider, registry, name }: InteractionDeps,
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer
): Promise<void> {
  const finish = (result: InteractionResults) =>
    provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true })
  try {
    const { prompt, params, session, uid } = await provider.interactionDetails(req, res)
    const action = `/oidc/interaction/${uid}`
    const form = new URLSearchParams(body.toString('utf8'))
    const isPost = req.method === 'POST'
    const person = registry.people.find(({ email }) => email === form.get('login'))
    if (isPost && person) {
      return await finish({
        login: { accountId: person.email } satisfies { accountId: AccountClaims['sub'] }
      })
    }
    if (prompt.name === 'login' || form.get('switch') === 'yes') {
      return sendHtml(res, page(`Sign in to ${name}`, personForm(action, registry.people)))
    }
    const consent = form.get('consent')
    if (isPost && consent === 'deny') {
      const denied = { error: 'access_denied', error_description: 'The user denied the request.' }
      return await finish(denied)
    }
    if (isPost && consent === 'allow') {
      const grant = new provider.Grant({
        accountId: session?.accountId ?? '',
        clientId: String(params.client_id)
      })
      grant.addOIDCScope(String(params.scope ?? ''))
      for (const resource of [params.resource].flat()) {
        grant.addResourceScope(String(resource), String(params.scope ?? ''))
      }
      return await finish({ consent: { grantId: await grant.save() } })
    }
    const scopes = String(params.scope ?? '').split(' ')
    return sendHtml(
      res,
      consentPage(name, action, session?.accountId ?? '', String(params.client_id), scopes)
    )
  } catch (error) {
    if (!(error instanceof errors.SessionNotFound)) throw error
    sendJson(res, 400, { error: 'invalid_request', error_description: 'The sign-in has expired.' })
  }
}

function consentPage(name: string, action: string, who: string, app: string, scopes: string[]) {
  const list = scopes.map((scope) => `<li>${text(scope)}</li>`).join('')
  return page(
    `Allow access to ${name}?`,
    `<p>The application <b>${text(app)}</b> asks to act as <b>${text(who)}</b> with:</p>
<ul>${list}</ul>
<form method="post" action="${text(action)}">
<button type="submit" name="consent" value="allow">Allow</button>
<button type="submit" name="consent" value="deny">Deny</button>
<button type="submit" name="switch" value="yes">Use another account</button>
</form>`
  )
}
