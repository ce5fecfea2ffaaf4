import { afterEach, beforeEach, expect, test } from 'vitest'
import { Counts } from '../../src/base/measures.ts'
import { createGatewayMeasures } from '../../src/gateway/gateway-measures.ts'
import { buildAdminApp } from '../../src/http/admin.ts'
import { createRequestMeasures } from '../../src/http/metrics/requests.ts'
import { createRefreshTally } from '../../src/vault/vault-measures.ts'
import { anonymous, appWith, host, service } from './fakes.ts'

const refused = { lag: 1, process: 2, tenant: 3, caller: 4, fabric: 5, host: 6, rate: 7 }
const measures = createGatewayMeasures()
const requests = createRequestMeasures()
const { refreshes, note } = createRefreshTally()
const errors = new Counts(['away', 'deadlock'])
let admin: Awaited<ReturnType<typeof buildAdminApp>>

beforeEach(async () => {
  admin = await buildAdminApp({
    version: '1.2.3',
    standing: { isReady: true, degraded: ['key_service'] },
    requests,
    records: { size: 10, dropped: 11 },
    lastUses: { waiting: 12 },
    streams: () => ({ waiting: { webhook: 21, otlp: 22 }, failing: { webhook: 23, otlp: 0 } }),
    gateway: {
      load: () => ({
        inFlight: 12,
        refused,
        breakers: { failing: 2, open: 1, probing: 0 },
        measures
      })
    },
    vault: () => ({
      refreshes,
      refreshing: 3,
      held: { hits: 4, misses: 5, entries: 6, entriesMax: 7 }
    }),
    slowClients: { bodies: 8, readers: 9 },
    lagMs: () => 250,
    database: () => ({ connections: { inUse: 3, idle: 4, max: 10 }, waiting: 2, errors }),
    jobs: () => [
      { name: 'sweep', everyMs: 5_000, succeeded: 3, failed: 1, ageMs: 1_500, tookMs: 20 }
    ],
    keys: () => ({
      sealingFingerprint: 'feedfeedfeedfeed',
      keys: { sealing: 1, staged: 1, retiring: 0 },
      silentMs: null
    }),
    spans: { exported: 13, lost: 14 },
    ahead: () => ({
      inFlight: 15,
      waiting: 16,
      tenantsDue: 17,
      lateMs: 18_500,
      hostsAway: 19,
      outcomes: { renewed: 20, failed: 0 }
    })
  })
})
afterEach(() => admin.close())

const lines = async () => (await admin.inject('/metrics')).body.split('\n')

test('GET /metrics tells how this replica stands, what it is at and whom it refused, however often', async () => {
  for (let reading = 0; reading < 2; reading += 1) {
    expect(await lines()).toEqual(
      expect.arrayContaining([
        `weft_build_info{version="1.2.3",node="${process.version}"} 1`,
        'weft_ready 1',
        'weft_degraded{part="key_service"} 1',
        'weft_degraded{part="key_ring"} 0',
        'weft_gateway_calls_in_flight 12',
        'weft_gateway_breakers{state="open"} 1',
        'weft_event_loop_late_seconds 0.25',
        'weft_slow_clients_cut_total{at="body"} 8',
        'weft_slow_clients_cut_total{at="answer"} 9',
        'weft_database_connections{state="in_use"} 3',
        'weft_database_waiting 2',
        'weft_audit_records_waiting 10',
        'weft_audit_records_dropped_total 11',
        'weft_last_uses_waiting 12',
        'weft_stream_events_waiting{kind="webhook"} 21',
        'weft_stream_receivers_failing{kind="webhook"} 23',
        'weft_refreshes_running 3',
        'weft_token_cache_lookups_total{result="hit"} 4',
        'weft_job_runs_total{task="sweep",result="failed"} 1',
        'weft_job_last_success_age_seconds{task="sweep"} 1.5',
        'weft_trace_spans_total{result="lost"} 14',
        'weft_refresh_ahead_late_seconds 18.5',
        'weft_refresh_ahead_total{outcome="renewed"} 20',
        'weft_key_ring_keys{state="staged"} 1',
        'weft_key_ring_seals_info{fingerprint="feedfeedfeedfeed"} 1',
        ...Object.entries(refused).map(
          ([bound, count]) => `weft_gateway_calls_refused_total{bound="${bound}"} ${count}`
        )
      ])
    )
  }
})

test('counts and times of refreshes are whole histograms', async () => {
  note('user', 'renewed', 120)
  note('pat', 'needs_sign_in', 70_000)
  note('service_principal', 'misconfigured', 1)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      '# TYPE weft_refresh_seconds histogram',
      'weft_refreshes_total{identity="user",outcome="renewed"} 1',
      'weft_refreshes_total{identity="user",outcome="needs_sign_in"} 1',
      'weft_refreshes_total{identity="service_principal",outcome="misconfigured"} 1',
      'weft_refresh_seconds_bucket{identity="user",le="0.1"} 0',
      'weft_refresh_seconds_bucket{identity="user",le="0.25"} 1',
      'weft_refresh_seconds_bucket{identity="user",le="300"} 2',
      'weft_refresh_seconds_bucket{identity="user",le="+Inf"} 2',
      'weft_refresh_seconds_sum{identity="user"} 70.12',
      'weft_refresh_seconds_count{identity="user"} 2'
    ])
  )
})

test('requests are counted by what their route is for, problems by who can mend them', async () => {
  const { app } = await appWith({ deps: { requests } })
  const ask = (url: string, headers: Record<string, string> = anonymous) =>
    app.inject({ url, headers: { host, ...headers } })
  await ask('/healthz')
  await ask('/api/v1/me')
  await ask('/nowhere')
  await ask('/fabrics/nothing/at-all', service())
  await app.close()
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'weft_http_requests_total{group="health",status="2xx"} 1',
      'weft_http_requests_total{group="management",status="4xx"} 1',
      'weft_http_requests_total{group="data_plane",status="4xx"} 1',
      'weft_http_requests_total{group="none",status="4xx"} 1',
      'weft_http_request_seconds_count{group="health"} 1',
      'weft_problems_total{code="unauthenticated",owner="caller"} 1',
      'weft_problems_total{code="internal",owner="platform"} 0'
    ])
  )
})

test('I7 /metrics is on the operator’s port alone', async () => {
  const { app } = await appWith()
  expect((await app.inject({ url: '/metrics', headers: anonymous })).statusCode).toBe(404)
  await app.close()
})
