import { Type } from '../json-schema.ts'
import { Strict } from '../route.ts'

const unread = { additionalProperties: { type: 'string' } }

/** RFC 6749 §4.4.2 and RFC 8693 §2.1; parameters that it does not know are to be ignored (§3.2). */
export const TokenForm = Type.Object(
  {
    grant_type: Type.Optional(
      Type.String({
        description: '`client_credentials`, or `urn:ietf:params:oauth:grant-type:token-exchange`'
      })
    ),
    scope: Type.Optional(
      Type.String({ description: '`all-apis`, which is also the default, and `fabric:{id}`' })
    ),
    resource: Type.Optional(
      Type.String({ description: 'URL of the one fabric that the token is to be good for' })
    ),
    audience: Type.Optional(Type.String({ description: 'The same, or the id of the fabric' })),
    client_id: Type.Optional(
      Type.String({ description: 'Id of a service account, unless HTTP Basic tells it' })
    ),
    client_secret: Type.Optional(
      Type.String({ description: 'One of its keys, unless HTTP Basic tells it' })
    ),
    subject_token: Type.Optional(
      Type.String({ description: 'In an exchange: a JWT of a federated identity' })
    ),
    subject_token_type: Type.Optional(
      Type.String({ description: '`urn:ietf:params:oauth:token-type:jwt` or `…:id_token`' })
    )
  },
  { ...unread, title: 'TokenRequest' }
)

/** RFC 6749 §5.1, RFC 8693 §2.2.1. */
export const TokenAnswer = Strict(
  {
    access_token: Type.String(),
    issued_token_type: Type.Optional(Type.String({ description: 'Of an exchange' })),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Seconds; at most an hour' }),
    scope: Type.String()
  },
  { title: 'TokenAnswer' }
)

/** RFC 6749 §5.2. */
export const OAuthError = Strict(
  { error: Type.String(), error_description: Type.String() },
  { title: 'OAuthError' }
)

/** OpenID Connect Back-Channel Logout §2.5. */
export const LogoutForm = Type.Object(
  { logout_token: Type.String({ minLength: 1, maxLength: 16_384 }) },
  { ...unread, title: 'LogoutRequest' }
)

/** RFC 8414 §2. */
export const ServerMetadata = Strict(
  {
    issuer: Type.String({ format: 'uri' }),
    token_endpoint: Type.String({ format: 'uri' }),
    jwks_uri: Type.String({ format: 'uri' }),
    scopes_supported: Type.Array(Type.String()),
    response_types_supported: Type.Array(Type.String()),
    grant_types_supported: Type.Array(Type.String()),
    token_endpoint_auth_methods_supported: Type.Array(Type.String())
  },
  { title: 'AuthorizationServerMetadata' }
)

/** OpenID Connect Discovery §3, without the endpoints of a login: nobody logs in here. */
export const IssuerMetadata = Strict(
  {
    issuer: Type.String({ format: 'uri' }),
    jwks_uri: Type.String({ format: 'uri' }),
    response_types_supported: Type.Array(Type.String()),
    subject_types_supported: Type.Array(Type.String()),
    id_token_signing_alg_values_supported: Type.Array(Type.String()),
    claims_supported: Type.Array(Type.String())
  },
  { title: 'IssuerMetadata' }
)

/** RFC 7517 §5, with the members of an elliptic curve's public key (RFC 7518 §6.2.1). */
export const JwkSet = Strict(
  {
    keys: Type.Array(
      Strict({
        kty: Type.Optional(Type.String()),
        kid: Type.String(),
        use: Type.Optional(Type.String()),
        alg: Type.Optional(Type.String()),
        crv: Type.Optional(Type.String()),
        x: Type.Optional(Type.String()),
        y: Type.Optional(Type.String())
      })
    )
  },
  { title: 'JwkSet' }
)
