import { Secret } from '../../base/secret.ts'
import type { Fabrics } from '../../fabrics/fabrics.ts'
import { type App, answers, IdOfKind, Strict } from '../route.ts'
import { Connection, NewPersonalAccessToken } from '../schemas/fabric.ts'

export function personalAccessTokenRoutes(app: App, fabrics: Fabrics): void {
  app.put(
    '/api/v1/fabrics/:fabricId/personal-access-token',
    {
      config: { access: 'session', operation: 'connection.put_token' },
      schema: {
        tags: ['sign-in'],
        summary: "Give one's own personal access token for the workspace of a fabric",
        description: 'Checked at the workspace before it is kept; never returned.',
        params: Strict({ fabricId: IdOfKind('fabric') }),
        body: NewPersonalAccessToken,
        response: answers({ 200: Connection })
      }
    },
    (request) => {
      const { token, expiresAt } = request.body
      return fabrics.putPersonalToken(request.scope, request.params.fabricId, {
        token: new Secret(token),
        expiresAt: expiresAt === undefined ? null : new Date(expiresAt)
      })
    }
  )
}
