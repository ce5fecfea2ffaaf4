import { randomBytes, randomUUID } from 'node:crypto'
import { bearerClient, logIn, type WeftClient } from '../../src/local/weft-client.ts'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import type { StartedStack } from '../support/stack.ts'
import type { Needle } from './needles.ts'
import type { Exchange } from './witness.ts'

const tokenTypes = 'urn:ietf:params:oauth'
const workload = {
  iss: 'https://issuer.test',
  aud: 'weft',
  sub: 'system:serviceaccount:etl:loader'
}
const question = { messages: [{ role: 'user', content: 'Hello' }] }

/**
 * Makes one of each credential that the tour has no use for, and uses it rightly and wrongly.
 * @returns what was sent and is nobody's to show again
 */
export async function useCredentials(stack: StartedStack): Promise<Needle[]> {
  const { weft, tenant } = stack
  const admin = await logIn(weft, tenant, 'admin@acme.test')
  const fabric = stack.fabrics[0]?.id ?? ''
  const query = `/fabrics/${fabric}/serving-endpoints/${stack.endpoint}/invocations`

  /** Made so that it could be asked for again: what is kept for that is looked at too. */
  async function make(path: string, body: object): Promise<Record<string, string>> {
    const key = { 'idempotency-key': randomUUID() }
    const answer = await admin.call<Record<string, string>>('POST', path, body, key)
    if (answer.status !== 201) throw new TypeError(`${path}: ${answer.text}`)
    return answer.body
  }

  const accounts = '/api/v1/service-accounts'
  const { id: account = '' } = await make(accounts, { name: 'Workload' })
  await admin.expect(200, 'PUT', `${accounts}/${account}/fabrics`, {
    fabrics: [{ fabricId: fabric }]
  })
  const { key = '' } = await make(`${accounts}/${account}/keys`, { name: 'key' })
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const { token: personal = '' } = await make('/api/v1/tokens', { name: 'script', expiresAt })
  const { token: scim = '' } = await make('/api/v1/scim-tokens', { name: 'directory' })
  const guest = { email: 'new@acme.test', role: 'member' }
  const { link = '' } = await make('/api/v1/invitations', guest)
  await make('/api/v1/login-providers', {
    name: 'Second',
    kind: 'oidc',
    issuer: stack.identityProvider,
    clientId: 'weft-second',
    clientSecret: randomBytes(24).toString('base64url')
  })

  const token = (form: Record<string, string>, status = 200) =>
    askForToken(weft, { client_id: account, ...form }, status)
  const byKey = { grant_type: 'client_credentials', client_secret: key }
  const tokens = [await token(byKey)]
  const wrongKey = key.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
  await token({ ...byKey, client_secret: wrongKey }, 401)

  const signing = await newSigningKey()
  const federated = `${accounts}/${account}/federated-identities`
  await make(federated, {
    name: 'cluster',
    issuer: workload.iss,
    audience: workload.aud,
    subject: workload.sub,
    jwks: { keys: [signing.jwk] }
  })
  const iat = Math.floor(Date.now() / 1000)
  const sign = signWith(signing)
  const claims = { ...workload, jti: randomUUID(), iat, exp: iat + 300 }
  const [believed, refused] = [await sign(claims), await sign({ ...claims, sub: 'another' })]
  const exchangeOf = (assertion: string) => ({
    grant_type: `${tokenTypes}:grant-type:token-exchange`,
    subject_token: assertion,
    subject_token_type: `${tokenTypes}:token-type:jwt`
  })
  tokens.push(await token(exchangeOf(believed)))
  await token(exchangeOf(refused), 400)
  for (const jwt of [believed, refused]) {
    await admin.expect(200, 'POST', `${federated}/test`, { jwt })
  }
  for (const bearer of [key, wrongKey, personal, scim, ...tokens, believed, refused]) {
    await reach(bearerClient(weft, bearer), query)
  }
  await bearerClient(weft, personal).expect(200, 'GET', '/api/v1/me')
  await bearerClient(weft, scim).expect(200, 'GET', '/scim/v2/Users')
  for (const one of tokens) {
    await bearerClient(weft, one).expect(200, 'POST', query, question)
  }
  await admin.browser.visit(link)
  await admin.browser.visit(`${weft}/auth/login?token=${encodeURIComponent(personal)}`)
  const guess = { name: 'guess', value: wrongKey }
  return [guess, ...[believed, refused].flatMap((value) => partsOf('assertion', value))]
}

/** Wherever a bearer may be shown: data plane, management, the directory's door, each right for some. */
async function reach(client: WeftClient, query: string): Promise<void> {
  await client.call('POST', query, question)
  await client.call('GET', '/api/v1/me')
  await client.call('GET', '/api/v1/tokens')
  await client.call('GET', '/scim/v2/Users')
}

/** @returns the token; empty where none is given, as the status says */
async function askForToken(weft: string, form: Record<string, string>, status: number) {
  const answer = await fetch(`${weft}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString()
  })
  const text = await answer.text()
  if (answer.status !== status) throw new TypeError(text)
  const { access_token: token = '' }: { access_token?: string } = JSON.parse(text)
  return token
}

/** What one answer hands over for good, by the path that it was asked at. */
const deliveries: readonly [name: string, path: RegExp, member: string][] = [
  ['key', /\/keys$/, 'key'],
  ['personal token', /^\/api\/v1\/tokens$/, 'token'],
  ['SCIM token', /^\/api\/v1\/scim-tokens$/, 'token'],
  ['invitation', /^\/api\/v1\/invitations$/, 'link'],
  ['token', /^\/oauth2\/token$/, 'access_token']
]

/** What an answer hands over, and the answer without it. */
export function deliveryOf({ method, url, status, text }: Exchange) {
  const isMade = method === 'POST' && (status === 200 || status === 201)
  const [name = '', , member] = deliveries.find(([, path]) => path.test(url.pathname)) ?? []
  const pattern = new RegExp(`"${member}":"([^"]+)"`)
  const value = isMade ? pattern.exec(text)?.[1] : undefined
  if (value === undefined) return { needles: [], rest: text }
  const secret = member === 'link' ? value.slice(value.lastIndexOf('/') + 1) : value
  return { needles: partsOf(name, secret), rest: text.replace(pattern, '') }
}

/** A JWT says most in its second part, and would be of use without its last. */
function partsOf(name: string, value: string): Needle[] {
  return [value, ...value.split('.').slice(1)].map((part) => ({ name, value: part }))
}
