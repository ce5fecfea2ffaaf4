import type { Registrations } from '../../app-connections/registrations.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import { type App, answers, createHeaders, IdOfKind, Strict } from '../route.ts'
import { AppConnection } from '../schemas/app-connection.ts'
import {
  AccountCredentials,
  accountAdminOf,
  Registration,
  RegistrationBody,
  registrationInput
} from '../schemas/registration.ts'
import { withEtag } from '../version.ts'

const path = '/api/v1/app-connections'
const params = Strict({ appConnectionId: IdOfKind('appConnection') })
const tags = ['app connections']

/** Calls of the provider's account, with an account admin's credentials in the body. */
export function registrationRoutes(
  app: App,
  { registrations, once }: { registrations: Registrations; once: CreateOnce }
): void {
  app.post(
    `${path}/register`,
    {
      config: { access: 'caller', operation: 'app_connection.register' },
      schema: {
        tags,
        summary: "Register Weft at the provider's account and keep what it answers",
        description:
          'Makes the OAuth client and an app connection that is ready, or completes a draft. The credentials are used for this call and not kept.',
        headers: createHeaders,
        body: RegistrationBody,
        response: answers({ 201: AppConnection })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const register = () => registrations.register(scope, registrationInput(body))
      reply.code(201)
      return withEtag(reply, await once(request, register))
    }
  )

  app.post(
    `${path}/:appConnectionId/registration/check`,
    {
      config: { access: 'caller', operation: 'app_connection.check_registration' },
      schema: {
        tags,
        summary: 'What is registered otherwise than Weft needs it',
        params,
        body: AccountCredentials,
        response: answers({ 200: Registration })
      }
    },
    ({ scope, params: { appConnectionId }, body }) =>
      registrations.check(scope, appConnectionId, accountAdminOf(body))
  )

  app.post(
    `${path}/:appConnectionId/registration/mend`,
    {
      config: { access: 'caller', operation: 'app_connection.mend_registration' },
      schema: {
        tags,
        summary: 'Register what Weft needs',
        params,
        body: AccountCredentials,
        response: answers({ 200: Registration })
      }
    },
    ({ scope, params: { appConnectionId }, body }) =>
      registrations.mend(scope, appConnectionId, accountAdminOf(body))
  )

  app.post(
    `${path}/:appConnectionId/registration/delete`,
    {
      config: { access: 'caller', operation: 'app_connection.delete_registration' },
      schema: {
        tags,
        summary: "Delete at the provider's account what Weft registered there",
        description: 'The app connection is a draft again; sign-ins through it end.',
        params,
        body: AccountCredentials,
        response: answers({ 200: AppConnection })
      }
    },
    async ({ scope, params: { appConnectionId }, body }, reply) =>
      withEtag(reply, await registrations.unregister(scope, appConnectionId, accountAdminOf(body)))
  )
}
