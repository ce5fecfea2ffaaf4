import type { FastifyRequest } from 'fastify'
import type { Identity } from '../../identity/identity.ts'
import { onFabricHost } from '../plugins/fabric-host.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import type { PublicUrl } from '../public-url.ts'
import { type App, IdOfKind, Strict } from '../route.ts'
import { TokenForm } from '../schemas/oauth.ts'
import { capabilities, issueToken, keysCacheControl, takeForms } from './oauth.ts'

interface Deps {
  readonly identity: Identity
  readonly problems: ProblemWriter
  readonly publicUrl: PublicUrl
  readonly hasFabricHosts: boolean
}

const metadata = { access: 'public', operation: 'oauth_metadata.get', surface: 'data' } as const
const params = Strict({ fabricId: IdOfKind('fabric') })

/**
 * What a workspace says of its login, said by Weft of itself, so that a workspace's own clients log in with
 * a service account. It is said of every fabric's address alike, whether or not there is such a fabric.
 */
export async function workspaceOAuthRoutes(app: App, deps: Deps): Promise<void> {
  const { publicUrl } = deps
  const byId = (request: FastifyRequest<{ Params: { fabricId: string } }>) =>
    publicUrl.at(`/fabrics/${request.params.fabricId}`)
  await app.register(async (inner: App) => {
    takeForms(inner, deps.problems)
    answerAt('/fabrics/:fabricId', inner, { schema: { hide: true, params } }, byId)
    if (!deps.hasFabricHosts) return
    const atHost = { constraints: onFabricHost, schema: { hide: true } }
    answerAt('', inner, atHost, ({ fabricHost }) => fabricHost?.origin ?? publicUrl.origin)
  })

  function answerAt(
    prefix: string,
    forms: App,
    { schema, ...options }: { constraints?: typeof onFabricHost; schema: object },
    baseOf: (request: FastifyRequest<{ Params: { fabricId: string } }>) => string
  ): void {
    const answer = (path: string, bodyOf: (base: string) => object) =>
      app.get<{ Params: { fabricId: string } }>(
        prefix + path,
        { ...options, config: metadata, schema },
        async (request) => bodyOf(baseOf(request))
      )

    answer('/.well-known/databricks-config', (base) => ({
      oidc_endpoint: `${base}/oidc`,
      host_type: 'workspace'
    }))
    answer('/oidc/.well-known/oauth-authorization-server', serverMetadata)
    answer('/oidc/.well-known/openid-configuration', serverMetadata)
    app.get(
      `${prefix}/oidc/jwks.json`,
      { ...options, config: metadata, schema },
      async (_, reply) => {
        reply.header('cache-control', keysCacheControl)
        return await deps.identity.signingKeys.published()
      }
    )
    forms.post(
      `${prefix}/oidc/v1/token`,
      {
        ...options,
        config: { access: 'public', operation: 'service_token.issue', surface: 'data' },
        schema: { ...schema, body: TokenForm }
      },
      (request) => issueToken(deps, request, request.body)
    )
  }
}

/** Clients read the address to authorize at even where they never go there; no authorization is served. */
function serverMetadata(base: string): object {
  const issuer = `${base}/oidc`
  return {
    issuer,
    authorization_endpoint: `${issuer}/v1/authorize`,
    token_endpoint: `${issuer}/v1/token`,
    jwks_uri: `${issuer}/jwks.json`,
    ...capabilities,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    request_uri_parameter_supported: false
  }
}
