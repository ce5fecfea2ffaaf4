import { expect, test } from 'vitest'
import { createTurns } from '../../src/vault/turns.ts'

test('H9 so many at once for each host, the others in the order of coming, and no host waits for another', async () => {
  const turns = createTurns(2)
  const order: string[] = []
  const enter = (key: string, name: string) =>
    turns.take(key).then((leave) => {
      order.push(name)
      return leave
    })
  const [first, second] = await Promise.all([enter('a', 'a1'), enter('a', 'a2')])
  const [third, fourth] = [enter('a', 'a3'), enter('a', 'a4')]
  await enter('b', 'b1')
  expect(order).toEqual(['a1', 'a2', 'b1'])
  first?.()
  ;(await third)()
  ;(await fourth)()
  second?.()
  await enter('a', 'a5')
  expect(order).toEqual(['a1', 'a2', 'b1', 'a3', 'a4', 'a5'])
})
