import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { holdPort } from '../../src/local/free-port.ts'

test('a port that is held is nobody else’s until it is let go of, whoever has called there meanwhile', async () => {
  const held = await holdPort(0)
  const other = await holdPort(held.port)
  expect(other.port).not.toBe(held.port)
  const caller = connect(held.port, '127.0.0.1').on('error', () => undefined)
  await once(caller, 'close')
  await Promise.all([held.letGo(), other.letGo()])
  const again = await holdPort(held.port)
  expect(again.port).toBe(held.port)
  await again.letGo()
})
