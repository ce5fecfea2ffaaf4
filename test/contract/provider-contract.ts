import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError, type ProblemCode } from '../../src/base/errors.ts'
import { createHostGuard } from '../../src/outbound/host-guard.ts'
import type {
  AnswerHeaders,
  ComputeRef,
  OAuthFailure,
  Provider,
  WorkspaceAddress
} from '../../src/providers/provider.ts'

/** One failed answer of the provider. */
export interface SampleAnswer {
  readonly name: string
  readonly status: number
  readonly headers?: AnswerHeaders
  readonly body: string
}

/** What a provider must bring to be held to the contract: real answers, as it gives them. */
export interface ProviderSamples {
  readonly workspaceUrls: readonly (readonly [text: string, address: WorkspaceAddress])[]
  /** Texts that name no workspace; each holds `secretWord` if it holds credentials. */
  readonly badWorkspaceUrls: readonly string[]
  readonly secretWord: string
  /** Origins of the provider's own domain that no token may be sent to. */
  readonly foreignOrigins: readonly string[]
  readonly compute: readonly ComputeRef[]
  readonly deadTokenAnswers: readonly SampleAnswer[]
  /** Refusals that a new token would not mend. */
  readonly livingTokenAnswers: readonly SampleAnswer[]
  readonly apiFailures: readonly (SampleAnswer & { readonly code: ProblemCode })[]
  readonly oauthFailures: readonly (SampleAnswer & { readonly failure: OAuthFailure })[]
}

function thrownBy(work: () => unknown): AppError | null {
  try {
    work()
    return null
  } catch (err) {
    if (!(err instanceof AppError)) throw err
    return err
  }
}

const answers = fc.record({
  status: fc.integer({ min: 100, max: 599 }),
  body: fc.oneof(fc.string(), fc.json(), fc.constant('null'), fc.constant('[]')),
  headers: fc.dictionary(
    fc.constantFrom('content-type', 'location', 'retry-after', 'date'),
    fc.string()
  )
})

/** What the rest of the house relies on, whichever provider it is. */
export function describeProvider(provider: Provider, samples: ProviderSamples): void {
  describe(`${provider.id}: workspace addresses`, () => {
    it.each(samples.workspaceUrls)('%j is understood', (text, address) => {
      expect(provider.parseWorkspaceUrl(text)).toEqual(address)
    })

    it.each(samples.badWorkspaceUrls)('%j is refused, and no part of it is quoted', (text) => {
      const err = thrownBy(() => provider.parseWorkspaceUrl(text, '/jdbcUrl'))
      expect(err?.code).toBe('invalid_request')
      expect(err?.errors?.[0]?.pointer).toBe('/jdbcUrl')
      expect(JSON.stringify([err, err?.message, err?.stack])).not.toContain(samples.secretWord)
    })

    it('whatever the text, it is an origin that reads the same again, or invalid_request', () => {
      const text = fc.oneof(fc.webUrl(), fc.domain(), fc.string(), fc.string({ unit: 'binary' }))
      fc.assert(
        fc.property(text, (pasted) => {
          const read: WorkspaceAddress[] = []
          const err = thrownBy(() => read.push(provider.parseWorkspaceUrl(pasted)))
          expect(err?.code ?? 'invalid_request').toBe('invalid_request')
          for (const { origin } of read) {
            expect(new URL(origin).origin).toBe(origin)
            expect(origin).toMatch(/^https?:\/\//)
            expect(provider.parseWorkspaceUrl(origin).origin).toBe(origin)
          }
        }),
        { numRuns: 1_000 }
      )
    })
  })

  describe(`${provider.id}: zones`, () => {
    const guard = createHostGuard([])
    const rule = { kind: 'zones', zones: provider.zones } as const

    it('E1 every zone is a dot-led suffix, and hosts outside them are refused', () => {
      for (const zone of [...provider.zones, ...provider.jwksZones, ...provider.servingZones]) {
        expect(zone).toMatch(/^(\.[a-z0-9-]+){2,}$/)
      }
      for (const zone of provider.servingZones) {
        expect(
          provider.zones.some((one) => zone.endsWith(one)),
          zone
        ).toBe(true)
      }
      for (const origin of samples.foreignOrigins) {
        expect(thrownBy(() => guard.checkUrl(origin, rule))?.code).toBe('host_not_allowed')
      }
    })
  })

  describe(`${provider.id}: calls`, () => {
    const calls = [
      provider.identityCall,
      provider.servingRouteCall('a-model_1'),
      ...samples.compute.map((one) => provider.computeCall(one)),
      provider.trials.statementCall('abc1', 'SELECT 1'),
      provider.trials.attachCall('abc-1'),
      provider.trials.isAttachedCall('abc-1', 'context-1'),
      provider.trials.detachCall('abc-1', 'context-1')
    ]

    it('E6 every path is in its final form', () => {
      const paths = [
        ...calls.map(({ path }) => path),
        ...provider.dataPlane.map(({ path }) => path.replaceAll(/\{[a-z]+\}/g, 'x1')),
        provider.oauth.hostConfigPath,
        ...provider.oauth.metadataPaths('https://workspace.test', null)
      ]
      for (const path of paths) {
        const url = new URL(path, 'https://workspace.test')
        expect(url.origin + url.pathname + url.search).toBe(`https://workspace.test${path}`)
      }
    })

    it('E6 every parameter of the data plane has a pattern that lets nothing through that acts in a path', () => {
      const named = provider.dataPlane.flatMap(({ path }) => path.match(/[^{]+(?=\})/g) ?? [])
      const patterns = [
        provider.servingEndpointNamePattern,
        ...named.map((name) => provider.pathParameters[name] ?? '')
      ].map((source) => new RegExp(source))
      const hostile = [
        '',
        '.',
        '..',
        '%2e%2e',
        'a/b',
        'a%2fb',
        'a\\b',
        'a\r\nb',
        'a\0',
        'a?b',
        'a#b'
      ]
      const segment = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hostile))
      expect(patterns.length).toBeGreaterThan(1)
      fc.assert(
        fc.property(segment, (text) => {
          const isPlain = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) && text.length < 500
          for (const pattern of patterns) expect(pattern.test(text) && !isPlain).toBe(false)
        })
      )
      for (const pattern of patterns) expect(pattern.test('a'.repeat(500))).toBe(false)
    })

    it('no path of the data plane is claimed twice', () => {
      const claims = provider.dataPlane.map(({ method, path }) => `${method} ${path}`)
      expect(new Set(claims).size).toBe(claims.length)
    })

    it('a compute id that does not belong in a path is refused', () => {
      for (const { kind } of samples.compute) {
        for (const id of ['', '../x', 'a/b', 'a?b', 'a&b=c', 'a b', '%2e', 'a'.repeat(500)]) {
          expect(thrownBy(() => provider.computeCall({ kind, id }))?.code).toBe('invalid_request')
        }
      }
    })

    it('no answer makes an interpreter throw, and only a 200 is a pass', () => {
      fc.assert(
        fc.property(answers, ({ status, headers, body }) => {
          for (const call of calls) {
            if (call.interpret(status, headers, body).ok) expect(status).toBe(200)
          }
        })
      )
    })
  })

  describe(`${provider.id}: failures`, () => {
    it.each(samples.deadTokenAnswers)('F15 a dead token: $name', ({ status, headers, body }) => {
      expect(provider.isDeadTokenAnswer(status, body, headers ?? {})).toBe(true)
      expect(provider.classifyApiFailure(status, headers ?? {}, body)).toBe('sign_in_needed')
    })

    it.each(samples.livingTokenAnswers)('F16 not the token: $name', ({ status, headers, body }) => {
      expect(provider.isDeadTokenAnswer(status, body, headers ?? {})).toBe(false)
    })

    it.each(samples.apiFailures)('$code: $name', ({ status, headers, body, code }) => {
      expect(provider.classifyApiFailure(status, headers ?? {}, body)).toBe(code)
    })

    it.each(samples.oauthFailures)(
      'G7 $failure.kind: $name',
      ({ status, headers, body, failure }) => {
        expect(provider.classifyOAuthFailure(status, body, headers)).toEqual(failure)
      }
    )

    it('F22 G7 no answer with 408, 429 or 5xx kills a grant, whatever its body', () => {
      const passing = fc.oneof(fc.constantFrom(408, 429), fc.integer({ min: 500, max: 599 }))
      const body = fc.oneof(
        answers.map((answer) => answer.body),
        fc.constantFrom(...samples.oauthFailures.map((sample) => sample.body))
      )
      fc.assert(
        fc.property(passing, body, (status, text) => {
          expect(['throttled', 'transient']).toContain(
            provider.classifyOAuthFailure(status, text).kind
          )
        })
      )
    })

    it('no answer makes a classifier throw', () => {
      fc.assert(
        fc.property(answers, ({ status, headers, body }) => {
          provider.isDeadTokenAnswer(status, body)
          provider.classifyApiFailure(status, headers, body)
          provider.classifyOAuthFailure(status, body, headers)
        })
      )
    })
  })

  it(`${provider.id}: asks for what a lasting sign-in needs`, () => {
    const { defaultScopes, requiredScopes } = provider.oauth
    expect(defaultScopes).toEqual(expect.arrayContaining([...requiredScopes]))
    expect(requiredScopes).toContain('offline_access')
  })
}
