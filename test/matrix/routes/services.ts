import type { Entries, Entry } from '../entry.ts'

/** Only an account that may reach a fabric gets a token for it. */
const token: Entry = {
  form: ({ by }) => ({
    grant_type: 'client_credentials',
    ...(by?.account && {
      client_id: by.account.id,
      client_secret: by.account.key
    })
  }),
  kinds: { fabricId: 'listedFabric' },
  operation: 'endpoint.query',
  isBare: true,
  open({ account, tenant }, isSeen, host) {
    // At another tenant's host it is no account.
    const isOurs = host === null || host.includes(`--${tenant}.`)
    if (account === null || !isOurs) return 401
    return isSeen ? 200 : 400
  }
}
const metadata = { open: 200 }

export const serviceEntries: Entries = {
  'GET /api/v1/service-accounts': {},
  'POST /api/v1/service-accounts': { body: (id) => ({ name: id.unique }) },
  'GET /api/v1/service-accounts/:serviceAccountId': {},
  'PATCH /api/v1/service-accounts/:serviceAccountId': {
    body: (id) => ({ version: 1, name: id.unique })
  },
  'DELETE /api/v1/service-accounts/:serviceAccountId': {},
  'PUT /api/v1/service-accounts/:serviceAccountId/fabrics': {
    body: (id) => ({ fabrics: [{ fabricId: id('fabric') }] })
  },
  'GET /api/v1/service-accounts/:serviceAccountId/keys': {},
  'POST /api/v1/service-accounts/:serviceAccountId/keys': {
    body: (id) => ({ name: id.unique })
  },
  'DELETE /api/v1/service-accounts/:serviceAccountId/keys/:keyId': {},

  'GET /api/v1/service-accounts/:serviceAccountId/federated-identities': {},
  'POST /api/v1/service-accounts/:serviceAccountId/federated-identities': {
    body: (id) => ({
      name: id.unique,
      issuer: 'https://idp.test',
      audience: 'weft',
      subject: id.unique
    })
  },
  'GET /api/v1/service-accounts/:serviceAccountId/federated-identities/:federatedIdentityId': {},
  'PATCH /api/v1/service-accounts/:serviceAccountId/federated-identities/:federatedIdentityId': {
    body: (id) => ({ version: 1, name: id.unique })
  },
  'DELETE /api/v1/service-accounts/:serviceAccountId/federated-identities/:federatedIdentityId': {},
  'POST /api/v1/service-accounts/:serviceAccountId/federated-identities/test': {
    body: () => ({ jwt: 'a.b.c' })
  },

  'POST /oauth2/token': token,
  'POST /fabrics/:fabricId/oidc/v1/token': token,
  'POST {fabric host}/oidc/v1/token': token,

  'GET /.well-known/oauth-authorization-server': metadata,
  'GET /.well-known/openid-configuration': metadata,
  'GET /oauth2/jwks': metadata,
  'GET /fabrics/:fabricId/.well-known/databricks-config': metadata,
  'GET /fabrics/:fabricId/oidc/.well-known/oauth-authorization-server': metadata,
  'GET /fabrics/:fabricId/oidc/.well-known/openid-configuration': metadata,
  'GET /fabrics/:fabricId/oidc/jwks.json': metadata,
  'GET {fabric host}/.well-known/databricks-config': metadata,
  'GET {fabric host}/oidc/.well-known/oauth-authorization-server': metadata,
  'GET {fabric host}/oidc/.well-known/openid-configuration': metadata,
  'GET {fabric host}/oidc/jwks.json': metadata
}
