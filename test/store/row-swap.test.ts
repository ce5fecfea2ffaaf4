import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import { createStrongbox, type Place, type Strongbox } from '../../src/vault/strongbox.ts'
import { promoteKeys } from '../support/promoted-keys.ts'
import { clock, createStoreWorld, query, type Row, type StoreWorld, scopeOf } from './world.ts'

/** Every sealed column, by the place that its room seals it for. */
interface Cell {
  readonly table: string
  readonly column: string
  readonly rowId: string
  readonly place: Place
  readonly where: string
}

let world: StoreWorld
let strongbox: Strongbox
const tenants = ['ten_a', 'ten_b'] as const
const seeded: Record<string, Readonly<Record<string, Row>>> = {}
const keyWrap = createKeyRing([{ kid: 'test', key: new Secret(new Uint8Array(randomBytes(32))) }])

beforeAll(async () => {
  world = await createStoreWorld()
  for (const tenant of tenants) seeded[tenant] = await world.seed(tenant)
  await world.keeper.query('DELETE FROM data_keys')
  await promoteKeys((text, values) => world.keeper.query(text, values), keyWrap)
  strongbox = createStrongbox(world.db, keyWrap, clock)
})
afterAll(() => world.close())
beforeEach(async () => {
  for (const tenant of tenants)
    for (const cell of cellsOf(tenant)) await write(cell, await seal(tenant, cell))
})

function cellsOf(tenant: string): Cell[] {
  const cell = (table: string, key: string, column: string, placed: string): Cell => {
    const rowId = String(seeded[tenant]?.[table]?.[key])
    return { table, column, rowId, place: [table, rowId, placed], where: `${key} = '${rowId}'` }
  }
  return [
    cell('client_secrets', 'id', 'sealed', 'sealed'),
    cell('grant_tokens', 'grant_id', 'refresh_token_sealed', 'refresh_token'),
    cell('grant_tokens', 'grant_id', 'access_token_sealed', 'access_token'),
    cell('sign_in_attempts', 'id', 'code_verifier_sealed', 'code_verifier'),
    cell('refresh_journal', 'id', 'answer_sealed', 'answer')
  ]
}

const secretOf = (tenant: string, { place }: Cell) => `canary of ${tenant} at ${place.join('/')}`
const seal = (tenant: string, cell: Cell) =>
  strongbox.seal(scopeOf(tenant), cell.place, new Secret(secretOf(tenant, cell)))
const write = (cell: Cell, sealed: string) =>
  world.keeper.query(`UPDATE ${cell.table} SET ${cell.column} = $1 WHERE ${cell.where}`, [sealed])
const read = async (tenant: string, cell: Cell) => {
  const sql = `SELECT ${cell.column} AS sealed FROM ${cell.table} WHERE ${cell.where}`
  const [row] = await world.db.inTenant(scopeOf(tenant), (tx) => query<{ sealed: string }>(tx, sql))
  return row?.sealed ?? ''
}
const open = async (tenant: string, cell: Cell) =>
  (await strongbox.open(scopeOf(tenant), cell.place, await read(tenant, cell))).reveal()

async function expectShut(work: Promise<unknown>): Promise<void> {
  const fault: unknown = await work.catch((error: unknown) => error)
  expect(fault).toBeInstanceOf(AppError)
  expect(fault).toMatchObject({ code: 'key_unavailable' })
  expect(inspect(fault, { depth: 9 })).not.toContain('canary')
}

describe('C2 a sealed value in the database', () => {
  test('opens where it was sealed, on this replica and on another', async () => {
    const other = createStrongbox(world.db, keyWrap, clock)
    for (const tenant of tenants) {
      for (const cell of cellsOf(tenant)) {
        expect(await open(tenant, cell)).toBe(secretOf(tenant, cell))
        const there = await other.open(scopeOf(tenant), cell.place, await read(tenant, cell))
        expect(there.reveal()).toBe(secretOf(tenant, cell))
      }
    }
  })

  test('does not open in any other row or column of its tenant', async () => {
    const cells = cellsOf('ten_a')
    for (const from of cells) {
      const sealed = await seal('ten_a', from)
      for (const to of cells.filter((cell) => cell !== from)) {
        await write(to, sealed)
        await expectShut(open('ten_a', to))
      }
    }
  })

  test('does not open in the same column of another row', async () => {
    for (const cell of cellsOf('ten_a')) {
      const [table, rowId, column] = cell.place
      const twin: Cell = { ...cell, place: [table, `${rowId}x`, column] }
      await write(cell, await seal('ten_a', twin))
      await expectShut(open('ten_a', cell))
    }
  })

  test('does not open in another tenant’s row, nor with that tenant’s key brought along', async () => {
    const [a, b] = [cellsOf('ten_a'), cellsOf('ten_b')]
    const { rows } = await world.keeper.query(`SELECT * FROM data_keys WHERE tenant_id = 'ten_a'`)
    for (const [index, to] of b.entries()) {
      const from = a[index]
      if (from === undefined) throw new TypeError('as many cells in both')
      await write(to, await seal('ten_a', from))
      await expectShut(open('ten_b', to))
    }
    await world.keeper.query(
      `INSERT INTO data_keys (tenant_id, id, wrapped, kek_kid, created_at)
      VALUES ('ten_b', 'dek_stolen', $1, $2, now())`,
      [rows[0]?.wrapped, rows[0]?.kek_kid]
    )
    const fresh = createStrongbox(world.db, keyWrap, clock)
    await expectShut(fresh.seal(scopeOf('ten_b'), ['x', 'y', 'z'], new Secret('s')))
    await world.keeper.query(`DELETE FROM data_keys WHERE id = 'dek_stolen'`)
  })

  test('does not open when it was changed, cut or replaced by rubbish', async () => {
    const [cell] = cellsOf('ten_a')
    if (cell === undefined) throw new TypeError('a cell')
    const sealed = await seal('ten_a', cell)
    const flipped = `${sealed.slice(0, -8)}${sealed.at(-8) === 'A' ? 'B' : 'A'}${sealed.slice(-7)}`
    for (const rubbish of [flipped, sealed.slice(0, -4), '', 'x', 'a.b.c.d.e', `${sealed}=`]) {
      await write(cell, rubbish)
      await expectShut(open('ten_a', cell))
    }
  })

  test('ten replicas that seal a tenant’s first secret at once make one data key', async () => {
    await world.keeper.query('DELETE FROM data_keys')
    const boxes = Array.from({ length: 10 }, () => createStrongbox(world.db, keyWrap, clock))
    const [cell] = cellsOf('ten_a')
    if (cell === undefined) throw new TypeError('a cell')
    const sealed = await Promise.all(
      boxes.map((box, index) => box.seal(scopeOf('ten_a'), cell.place, new Secret(`s${index}`)))
    )
    const { rowCount } = await world.keeper.query('SELECT FROM data_keys')
    expect(rowCount).toBe(1)
    const opened = await Promise.all(
      sealed.map((one, index) => boxes.at(index - 1)?.open(scopeOf('ten_a'), cell.place, one))
    )
    expect(opened.map((secret) => secret?.reveal())).toEqual(sealed.map((_, index) => `s${index}`))
    strongbox = createStrongbox(world.db, keyWrap, clock)
  })
})
