/**
 * Owns: the wiring of the public port – what every request passes, in order, and where it may go.
 * Touches: http, and the rooms below it through their interfaces, which are handed in.
 * Never: I/O, the environment, a decision about a request.
 */
import cookie from '@fastify/cookie'
import fastify, { type FastifyBaseLogger } from 'fastify'
import type { AppConnections } from './app-connections/app-connections.ts'
import type { Registrations } from './app-connections/registrations.ts'
import type { Clock } from './base/clock.ts'
import type { DegradedPart } from './base/standing.ts'
import type { Tracer } from './base/trace.ts'
import type { Deployments } from './fabrics/deployments/deployments.ts'
import type { FabricSlugs } from './fabrics/fabric-slugs.ts'
import type { Fabrics } from './fabrics/fabrics.ts'
import type { FederationPolicies } from './fabrics/federation-policies.ts'
import type { Gateway } from './gateway/gateway.ts'
import { eventStreams } from './http/event-stream.ts'
import { fabricHostsOf } from './http/fabric-hosts.ts'
import { createRequestMeasures, type RequestMeasures } from './http/metrics/requests.ts'
import { installOpenApi, openApiRoute } from './http/openapi.ts'
import { installAccess } from './http/plugins/access.ts'
import { createDeparture, type Departure, installClosing } from './http/plugins/closing.ts'
import { installDenials } from './http/plugins/denials.ts'
import { installFabricHosts } from './http/plugins/fabric-host.ts'
import { installHostCheck } from './http/plugins/host-check.ts'
import { createOnce } from './http/plugins/idempotency.ts'
import { installLog } from './http/plugins/log.ts'
import { installProblems, problemWriter } from './http/plugins/problem.ts'
import { installRequestId, requestIdOf } from './http/plugins/request-id.ts'
import { installSecurityHeaders, securityHeaders } from './http/plugins/security-headers.ts'
import { installSlowBody } from './http/plugins/slow-body.ts'
import { installSlowReader } from './http/plugins/slow-reader.ts'
import { installUnexpectedBody } from './http/plugins/unexpected-body.ts'
import { publicUrlsOf } from './http/public-url.ts'
import type { App } from './http/route.ts'
import { appConnectionRoutes } from './http/routes/app-connections.ts'
import { auditRoutes } from './http/routes/audit.ts'
import { authRoutes } from './http/routes/auth.ts'
import { connectionTestRoutes } from './http/routes/connection-tests.ts'
import { consoleRoutes } from './http/routes/console.ts'
import { dataPlane } from './http/routes/data-plane.ts'
import { delegationRoutes } from './http/routes/delegations.ts'
import { deploymentRoutes } from './http/routes/deployments.ts'
import { discoveryRoutes } from './http/routes/discovery.ts'
import { fabricRoutes } from './http/routes/fabrics.ts'
import { federatedIdentityRoutes } from './http/routes/federated-identities.ts'
import { federationPolicyRoutes } from './http/routes/federation-policies.ts'
import { healthRoutes } from './http/routes/health.ts'
import { incidentRoutes } from './http/routes/incidents.ts'
import { interchangeRoutes } from './http/routes/interchange.ts'
import { invitationRoutes } from './http/routes/invitations.ts'
import { loginProviderRoutes } from './http/routes/login-providers.ts'
import { meRoutes } from './http/routes/me.ts'
import { memberRoutes } from './http/routes/members.ts'
import { oauthRoutes } from './http/routes/oauth.ts'
import { operationsRoutes } from './http/routes/operations.ts'
import { pageRoutes } from './http/routes/pages.ts'
import { personalAccessTokenRoutes } from './http/routes/personal-access-tokens.ts'
import { personalTokenRoutes } from './http/routes/personal-tokens.ts'
import { registrationRoutes } from './http/routes/registrations.ts'
import { scimRoutes } from './http/routes/scim.ts'
import { scimTokenRoutes } from './http/routes/scim-tokens.ts'
import { serviceAccountRoutes } from './http/routes/service-accounts.ts'
import { servicePrincipalRoutes } from './http/routes/service-principals.ts'
import { sessionRoutes } from './http/routes/sessions.ts'
import { signInRoutes } from './http/routes/sign-in.ts'
import { teamRoutes } from './http/routes/teams.ts'
import { tenantRoutes } from './http/routes/tenants.ts'
import { webhookRoutes } from './http/routes/webhooks.ts'
import { workspaceOAuthRoutes } from './http/routes/workspace-oauth.ts'
import type { AuditReader } from './http/schemas/audit.ts'
import type { OperationsReader } from './http/schemas/operations.ts'
import { defaultHttpLimits, type HttpLimits, type SlowClients } from './http/server-options.ts'
import { createStepAnswers } from './http/step-answers.ts'
import { noCompilers, serializerCompiler, validatorCompiler } from './http/validation.ts'
import type { Identity } from './identity/identity.ts'
import type { Interchange } from './interchange/interchange.ts'
import type { Webhooks } from './webhooks/webhooks.ts'

export interface AppDeps {
  /** Origin and optional path prefix, no trailing slash. */
  readonly publicUrl: string
  /** Others of the same, by which people reach it as well. */
  readonly otherPublicUrls?: readonly string[]
  /** Under which each fabric has a host of its own; null: none has. */
  readonly fabricDomain: string | null
  /** CIDRs of the proxies whose `X-Forwarded-For` counts; empty: nobody's. */
  readonly trustedProxies: readonly string[]
  readonly identity: Identity
  readonly appConnections: AppConnections
  readonly registrations: Registrations
  readonly fabrics: Fabrics
  readonly federationPolicies: FederationPolicies
  readonly deployments: Deployments
  readonly fabricSlugs: FabricSlugs
  readonly gateway: Gateway
  readonly interchange: Interchange
  readonly audit: AuditReader
  readonly operations: OperationsReader
  /** What this replica is without; rejects while it cannot serve. */
  readonly readiness: () => Promise<readonly DegradedPart[]>
  /** How it leaves; none: it closes without a word before. */
  readonly departure?: Departure
  /** None: nobody collects spans. */
  readonly tracer?: Tracer | null
  /** Counts what comes in. */
  readonly requests?: RequestMeasures
  readonly webhooks: Webhooks
  readonly logger: FastifyBaseLogger
  readonly clock: Clock
  readonly newRequestId: () => string
  readonly slowClients: SlowClients
  readonly limits?: Partial<HttpLimits>
}

/** The app, ready and not yet listening. */
export async function buildApp(deps: AppDeps): Promise<App> {
  const { identity, appConnections, fabrics, gateway, logger, clock, newRequestId, slowClients } =
    deps
  const limits = { ...defaultHttpLimits, ...deps.limits }
  const publicUrls = publicUrlsOf(deps.publicUrl, deps.otherPublicUrls ?? [])
  const { first: publicUrl } = publicUrls
  const headersOf = securityHeaders(publicUrl)
  const problems = problemWriter({ publicUrl, clock, headersOf, newRequestId })

  const app: App = fastify({
    logger: false,
    rewriteUrl: ({ url = '/', headers: { host } }) => publicUrls.targetOf(host, url),
    genReqId: (req) => requestIdOf(req, newRequestId),
    trustProxy: deps.trustedProxies.length > 0 ? [...deps.trustedProxies] : false,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs
    },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: limits.maxParamLength },
    schemaController: noCompilers,
    frameworkErrors: problems.early,
    clientErrorHandler: problems.refuse
  })

  app.setValidatorCompiler(validatorCompiler())
  app.setSerializerCompiler(serializerCompiler())
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser(
    'application/merge-patch+json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error')
  )
  await app.register(cookie, { hook: false })
  installOpenApi(app)
  installProblems(app, problems)
  const { settle } = installLog(app, {
    logger,
    clock,
    requests: deps.requests ?? createRequestMeasures(),
    tracer: deps.tracer ?? null
  })
  installRequestId(app)
  installSecurityHeaders(app, headersOf)
  installSlowBody(app, {
    intervalMs: limits.slowBodyIntervalMs,
    bytesMin: limits.slowBodyBytesMin,
    onCut: () => {
      slowClients.bodies += 1
    }
  })
  installSlowReader(app, {
    slowMs: limits.slowReaderMs,
    checkMs: limits.timeoutCheckMs,
    onCut: () => {
      slowClients.readers += 1
    }
  })
  const departure = deps.departure ?? createDeparture(clock.monotonicMs)
  installClosing(app, departure, limits)
  installFabricHosts(app, fabricHostsOf(deps.fabricDomain, publicUrl), publicUrls)
  installHostCheck(app, publicUrls)
  installAccess(app, identity)
  installDenials(app, identity)
  installUnexpectedBody(app)

  const once = createOnce(identity.idempotency)
  healthRoutes(app, { ...deps, departure })
  openApiRoute(app)
  await authRoutes(app, { identity, problems })
  meRoutes(app, identity)
  sessionRoutes(app, identity)
  memberRoutes(app, identity)
  invitationRoutes(app, { invitations: identity.invitations, once })
  teamRoutes(app, { teams: identity.teams, once })
  loginProviderRoutes(app, { loginProviders: identity.loginProviders, once })
  const answerSteps = createStepAnswers(eventStreams(problems, headersOf), identity)
  appConnectionRoutes(app, { appConnections, once, answerSteps })
  registrationRoutes(app, { registrations: deps.registrations, once })
  fabricRoutes(app, { fabrics, once })
  servicePrincipalRoutes(app, { fabrics, once })
  personalAccessTokenRoutes(app, fabrics)
  connectionTestRoutes(app, { fabrics, answerSteps })
  deploymentRoutes(app, { deployments: deps.deployments, once, answerSteps })
  discoveryRoutes(app, { fabrics })
  signInRoutes(app, { fabrics, problems })
  federationPolicyRoutes(app, deps)
  await interchangeRoutes(app, deps)
  operationsRoutes(app, deps)
  incidentRoutes(app, identity)
  tenantRoutes(app, { tenants: identity.tenants, once })
  personalTokenRoutes(app, { personalTokens: identity.personalTokens, once })
  scimTokenRoutes(app, { scimTokens: identity.scimTokens, once })
  await scimRoutes(app, { identity, problems, publicUrl })
  delegationRoutes(app, { delegations: identity.delegations, once })
  serviceAccountRoutes(app, { serviceAccounts: identity.serviceAccounts, once })
  federatedIdentityRoutes(app, { identity, once })
  await oauthRoutes(app, { identity, problems, publicUrl })
  auditRoutes(app, { audit: deps.audit, identity, problems })
  webhookRoutes(app, { webhooks: deps.webhooks, once })
  await pageRoutes(app)
  consoleRoutes(app, deps)
  const hasFabricHosts = deps.fabricDomain !== null
  await workspaceOAuthRoutes(app, { identity, problems, publicUrl, hasFabricHosts })
  const { fabricSlugs } = deps
  const data = { gateway, identity, fabricSlugs, problems, headersOf, settle, limits }
  await app.register((scope) => dataPlane(scope, { ...data, hasFabricHosts }))
  await app.ready()
  return app
}
