import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const Pattern = (description: string) => Text(512, { description })
const url = { format: 'uri', maxLength: 512 } as const
const subject = Pattern('Pattern of the claim `sub`: letter by letter, `*` for any letters')
const claimName = '^[^\\u0000-\\u001f]{1,128}$'

const Jwk = Type.Object(
  {
    kty: Type.String({ enum: ['RSA', 'EC', 'OKP'] }),
    kid: Type.Optional(Text(256)),
    alg: Type.Optional(Type.String({ enum: ['RS256', 'ES256', 'EdDSA'] })),
    use: Type.Optional(Type.String({ enum: ['sig'] })),
    crv: Type.Optional(Type.String({ enum: ['P-256', 'Ed25519'] })),
    n: Type.Optional(Text(2_048)),
    e: Type.Optional(Text(16)),
    x: Type.Optional(Text(128)),
    y: Type.Optional(Text(128))
  },
  // Providers add members of their own, such as x5c; what is private is refused.
  { additionalProperties: true, maxProperties: 20 }
)

const Jwks = Strict(
  { keys: Type.Array(Jwk, { minItems: 1, maxItems: 20 }) },
  { title: 'PublicKeys' }
)

function claimsOf<T extends Parameters<typeof Type.Record>[1]>(pattern: T) {
  return Type.Record(Type.String({ pattern: claimName }), pattern, {
    maxProperties: 20,
    additionalProperties: false,
    description: 'Patterns by the name of a claim, or by a JSON pointer to it such as `/a/b`'
  })
}

const maxAge = Type.Integer({ minimum: 10, maximum: 86_400, description: 'Of an assertion' })
const Name = Text(120)
const Issuer = Type.String({ ...url, description: 'Letter by letter as in the claim `iss`' })
const JwksUri = Type.String({ ...url, description: 'For an issuer without discovery' })

export const FederatedIdentityBody = Strict(
  {
    name: Name,
    issuer: Issuer,
    audience: Text(512),
    subject: Type.Optional(Nullable(subject)),
    claims: Type.Optional(claimsOf(Pattern('Like `subject`'))),
    jwksUri: Type.Optional(Nullable(JwksUri)),
    jwks: Type.Optional(Nullable(Jwks)),
    maxAgeSeconds: Type.Optional(Nullable(maxAge)),
    oneUse: Type.Optional(Type.Boolean({ description: 'Each assertion, by its `jti`, once' }))
  },
  { title: 'NewFederatedIdentity' }
)

export const FederatedIdentityPatchBody = Strict(
  {
    name: Type.Optional(Name),
    issuer: Type.Optional(Issuer),
    audience: Type.Optional(Text(512)),
    subject: Type.Optional(Nullable(subject)),
    claims: Type.Optional(Nullable(claimsOf(Nullable(Pattern('Like `subject`; null: goes'))))),
    jwksUri: Type.Optional(Nullable(JwksUri)),
    jwks: Type.Optional(Nullable(Jwks)),
    maxAgeSeconds: Type.Optional(Nullable(maxAge)),
    oneUse: Type.Optional(Nullable(Type.Boolean())),
    version: Type.Optional(Type.Integer({ minimum: 1 }))
  },
  { title: 'FederatedIdentityPatch' }
)

export const FederatedIdentity = Strict(
  {
    id: IdOfKind('federatedIdentity'),
    name: Type.String(),
    issuer: Type.String(),
    audience: Type.String(),
    subject: Nullable(Type.String()),
    claims: Type.Record(Type.String(), Type.String()),
    jwksUri: Nullable(Type.String()),
    jwks: Nullable(Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) })),
    maxAgeSeconds: Nullable(Type.Integer()),
    oneUse: Type.Boolean(),
    version: Type.Integer(),
    createdAt: Time,
    updatedAt: Time,
    lastUsedAt: Nullable(Time)
  },
  { title: 'FederatedIdentity' }
)

export const FederationTestBody = Strict(
  {
    jwt: Text(12_288, { description: 'Neither stored nor logged' }),
    subjectTokenType: Type.Optional(Type.Enum(['jwt', 'id_token'], { type: 'string' }))
  },
  { title: 'FederationTestRequest' }
)

const Check = Strict(
  {
    check: Type.String(),
    claim: Nullable(Type.String()),
    expected: Type.String(),
    found: Nullable(Type.String()),
    matches: Type.Boolean(),
    detail: Nullable(Type.String({ description: 'What to do about it' }))
  },
  { title: 'AssertionCheck' }
)

export const FederationTest = Strict(
  {
    accepted: Type.Boolean(),
    detail: Type.String(),
    header: Nullable(
      Strict({
        alg: Nullable(Type.String()),
        kid: Nullable(Type.String()),
        typ: Nullable(Type.String())
      })
    ),
    identities: Type.Array(
      Strict({
        id: IdOfKind('federatedIdentity'),
        name: Type.String(),
        matches: Type.Boolean(),
        checks: Type.Array(Check)
      })
    )
  },
  { title: 'FederationTest' }
)
