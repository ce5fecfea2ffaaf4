import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { tourSteps } from '../../src/local/tour/steps.ts'
import { startStack } from '../support/stack.ts'
import { openDatabase } from '../support/stack-database.ts'
import { deliveryOf, useCredentials } from './credentials-in-use.ts'
import {
  challengeOf,
  findings,
  formsOf,
  type Haystack,
  type Needle,
  verifiersIn
} from './needles.ts'
import { type Exchange, readTables, witnessFetch } from './witness.ts'

let log: Haystack
let tables: Haystack[]
let answers: Haystack[]
/** Nobody outside ever gets these. */
let kept: Needle[]
/** Each of these is delivered once, to whom it belongs. */
let delivered: Needle[]
let challenges: Set<string>
let known: { clientId: string; fabricId: string; keyHint: string }

beforeAll(async () => {
  const witness = witnessFetch()
  const stack = await startStack({ logLevel: 'trace' })
  const file = (name: string) => readFileSync(join(stack.dataDir, name), 'utf8')
  const { steps } = tourSteps(stack)
  for (const { run } of steps) await run()
  const sent = await useCredentials(stack)
  const database = await openDatabase(stack)
  await untilRecorded(database)
  tables = await readTables(database)
  await database.end()

  const secrets: Record<string, string> = JSON.parse(file('secrets.json'))
  const ring = file('key-ring').trim().split(':')[1] ?? ''
  const accessToken = await anAccessToken(stack.workspaces[0], secrets)
  const issued = issuedBy('workspace-1', file('workspace-1.tokens.json'))
  witness.stop()
  kept = [
    ...Object.entries(secrets)
      .filter(([name]) => /secret|password/i.test(name))
      .map(([name, value]) => ({ name, value })),
    { name: 'the key ring', value: ring },
    { name: 'the bytes of the key ring', value: Buffer.from(ring, 'base64') },
    { name: 'the head of an access token', value: accessToken.split('.')[0] ?? '' },
    ...issued,
    ...sent,
    ...witness.exchanges.flatMap(secretsSentIn),
    ...witness.exchanges.flatMap(({ url }) => parameterOf('code', url))
  ]
  delivered = witness.exchanges.flatMap(deliveredBy)
  const challengesOf = ({ url, headers }: Exchange) =>
    [url, new URL(headers.get('location') ?? '/', url)].flatMap((one) =>
      parameterOf('code_challenge', one).map(({ value }) => value)
    )
  challenges = new Set(witness.exchanges.flatMap(challengesOf))
  answers = witness.exchanges
    .filter(({ url }) => url.origin === stack.weft)
    .map(answerWithoutDelivery)
  known = {
    clientId: secrets.appClientId ?? '',
    fabricId: stack.fabrics[0]?.id ?? '',
    keyHint: stack.serviceKey.slice(-4)
  }
  expect(await stack.stop()).toBe(0)
  log = { name: 'the log', text: stack.log() }
}, 180_000)

describe('C11 the tour and every other credential in use, at trace level, leak nothing', () => {
  test('and every kind of secret was looked for', () => {
    const names = new Set(kept.map(({ name }) => name))
    for (const kind of [
      'appClientSecret',
      'principalClientSecret',
      'acmeLoginSecret',
      'appRolePassword',
      'ownerRolePassword',
      'the key ring',
      'clientSecret',
      'code',
      'assertion',
      'RefreshToken of workspace-1'
    ]) {
      expect(names).toContain(kind)
    }
    const deliveredNames = delivered.map(({ name }) => name)
    for (const kind of [
      'cookie __Host-weft_session',
      'cookie __Host-weft_invitation',
      'key',
      'personal token',
      'SCIM token',
      'invitation',
      'token'
    ]) {
      expect(deliveredNames).toContain(kind)
    }
    expect(challenges.size).toBeGreaterThanOrEqual(3)
    expect(kept.every(({ value }) => value.length >= 8)).toBe(true)
  })

  test('and the search finds what is there', () => {
    const everywhere = { name: 'client id', value: known.clientId }
    expect(findings([everywhere], tables)).toContain('client id in table public.app_connections')
    const fabric = { name: 'fabric', value: known.fabricId }
    expect(findings([fabric], [log])).toHaveLength(1)
    expect(findings([fabric], answers).length).toBeGreaterThan(0)
    for (const form of formsOf('a secret of some length')) {
      const text = `before ${form} after`
      expect(
        findings([{ name: 'x', value: 'a secret of some length' }], [{ name: 'y', text }])
      ).toEqual(['x in y'])
    }
    const hidden = Buffer.from(`12a secret of some length34`).toString('base64')
    expect(formsOf('a secret of some length').some((form) => hidden.includes(form))).toBe(true)
    const verifier = 'v'.repeat(43)
    const text = `{"v":"${verifier}"}`
    expect(verifiersIn(new Set([challengeOf(verifier)]), [{ name: 'y', text }])).toHaveLength(1)
  })

  test('in the log', () => {
    expect(log.text.match(/"msg":"request"/g)?.length).toBeGreaterThan(20)
    expect(findings([...kept, ...delivered], [log])).toEqual([])
    expect(verifiersIn(challenges, [log])).toEqual([])
  })

  test('in any column of any table', () => {
    expect(tables.map(({ name }) => name)).toContain('table public.audit_events')
    expect(findings([...kept, ...delivered], tables)).toEqual([])
    expect(verifiersIn(challenges, tables)).toEqual([])
  })

  test('in any answer, head or body, but for what is handed over, once', () => {
    expect(findings([...kept, ...delivered], answers)).toEqual([])
    expect(verifiersIn(challenges, answers)).toEqual([])
  })

  test('and no token in the form of a JWT stands anywhere', () => {
    const jwt = /(eyJ[\w-]{10,})\.eyJ[\w-]{10,}\.[\w-]{20,}/g
    const tokensIn = ({ name, text }: Haystack) =>
      [...text.matchAll(jwt)].map(([, head = '']) => [name, typeOf(head)])
    const found = [log, ...tables, ...answers].flatMap(tokensIn)
    // Heads of the record are no tokens, and are for the log.
    expect(found.filter(([name, typ]) => name !== log.name || typ !== headTyp)).toEqual([])
    expect(found.length).toBeGreaterThan(0)
  })
})

const headTyp = 'weft-audit-head+jwt'

function typeOf(head: string): unknown {
  return JSON.parse(Buffer.from(head, 'base64url').toString()).typ
}

/** Calls are recorded in batches; the last one of the tour was refused. */
async function untilRecorded(database: Awaited<ReturnType<typeof openDatabase>>): Promise<void> {
  const deadline = performance.now() + 20_000
  const sql = `SELECT 1 FROM audit_events WHERE code = 'service_principal_missing'`
  while ((await database.query(sql)).rowCount === 0) {
    if (performance.now() > deadline) throw new TypeError('the tour was not recorded')
  }
}

async function anAccessToken(workspace: string, secrets: Record<string, string>): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'all-apis',
    client_id: secrets.principalClientId ?? '',
    client_secret: secrets.principalClientSecret ?? ''
  })
  const answer = await fetch(`${workspace}/oidc/v1/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString()
  })
  const { access_token: token }: { access_token: string } = JSON.parse(await answer.text())
  return token
}

/** What a simulator wrote down of its codes and tokens. */
function issuedBy(name: string, state: string): Needle[] {
  const models: [string, [string, unknown][]][] = JSON.parse(state)
  return models
    .filter(([model]) => /^(RefreshToken|AuthorizationCode)$/.test(model))
    .flatMap(([model, rows]) => rows.map(([value]) => ({ name: `${model} of ${name}`, value })))
}

function secretsSentIn({ requestBody, url }: Exchange): Needle[] {
  const isControl = url.pathname.startsWith('/_sim/')
  const found = isControl ? [] : requestBody.matchAll(/"clientSecret":"([^"]+)"/g)
  return [...found].map(([, value = '']) => ({ name: 'clientSecret', value }))
}

function parameterOf(name: string, url: URL): { name: string; value: string }[] {
  const value = url.searchParams.get(name)
  return value === null ? [] : [{ name, value }]
}

function deliveredBy(exchange: Exchange): Needle[] {
  const { headers, requestHeaders } = exchange
  const cookies = headers
    .getSetCookie()
    .map((line) => /^(__Host-weft_\w+)=([^;]+)/.exec(line))
    .flatMap((match) => (match?.[2] ? [{ name: `cookie ${match[1]}`, value: match[2] }] : []))
  const bearer = /^Bearer (wft\w_.+)$/.exec(requestHeaders.get('authorization') ?? '')?.[1]
  const sent = bearer === undefined ? [] : [{ name: 'bearer', value: bearer }]
  return [...cookies, ...deliveryOf(exchange).needles, ...sent]
}

/** An answer without its own cookies, and without what was asked for where that is a secret. */
function answerWithoutDelivery(exchange: Exchange): Haystack {
  const { method, url, headers } = exchange
  const head = [...headers].filter(([name]) => name !== 'set-cookie').flat()
  return {
    name: `${method} ${url.pathname}`,
    text: [...head, deliveryOf(exchange).rest].join('\n')
  }
}
