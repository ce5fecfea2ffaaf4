import { expect, test } from 'vitest'
import { buildAdminApp } from '../../src/http/admin.ts'

test('GET /metrics tells what the gateway is at and whom it refused', async () => {
  const refused = { lag: 1, process: 2, tenant: 3, caller: 4, fabric: 5, host: 6, rate: 7 }
  const admin = await buildAdminApp({
    records: { size: 0, dropped: 0 },
    gateway: { load: () => ({ inFlight: 12, refused, openBreakers: 1 }) },
    slowClients: { bodies: 8, readers: 9 },
    lagMs: () => 250
  })
  for (let reading = 0; reading < 2; reading += 1) {
    const { body } = await admin.inject('/metrics')
    expect(body).toContain('\nweft_gateway_calls_in_flight 12\n')
    expect(body).toContain('\nweft_gateway_breakers_open 1\n')
    expect(body).toContain('\nweft_event_loop_late_seconds 0.25\n')
    expect(body).toContain('\nweft_slow_clients_cut_total{at="body"} 8\n')
    expect(body).toContain('\nweft_slow_clients_cut_total{at="answer"} 9\n')
    for (const [bound, count] of Object.entries(refused)) {
      expect(body).toContain(`\nweft_gateway_calls_refused_total{bound="${bound}"} ${count}\n`)
    }
  }
  await admin.close()
})
