import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningDatabricks, startDatabricks } from '../../src/local/databricks/workspace.ts'
import { certificate, testCa } from '../support/tls/certificates.ts'
import { api, machineToken, people, principal } from './workspace-support.ts'

// Bytes that @databricks/sql 2.1.0 sends for openSession, `SELECT 1`, fetchAll and close, and answers that
// it understood; in place of the ids stand S (session) and O (operation).
const handle = (id: string) => `0c00010c00010b000100000010${id}0b000200000010${'0'.repeat(32)}00`
const openSession =
  '800100010000000b4f70656e53657373696f6e000000010c0001080001fffffff90d00040b0b000000000a0502000000000000a508020505010000'
const openedSession =
  '800100020000000b4f70656e53657373696f6e000000010c00000c000108000100000000000800020000a5080c0003' +
  `0c00010b000100000010S0b000200000010${'0'.repeat(32)}0000020505010000`
const execute = (statement: string, length: string) =>
  `80010001000000104578656375746553746174656d656e74000000020c0001${handle('S')}000b0002${length}` +
  `${Buffer.from(statement).toString('hex')}02000401` +
  '0a000500000000000000000205020102050300020504010c050602000101020002010200030102000400000f05080c000000000000'
/** @param more fields after the operation's handle */
const ofOperation = (name: string, sequence: number, more = '') =>
  `80010001${name.length.toString(16).padStart(8, '0')}${Buffer.from(name).toString('hex')}` +
  `${sequence.toString(16).padStart(8, '0')}0c0001${handle('O')}080002000000000200030100${more}0000`

let workspace: RunningDatabricks
let token: string
beforeAll(async () => {
  workspace = await startDatabricks({
    port: 0,
    workspaceId: '900800700600',
    name: 'TLS',
    people,
    servicePrincipals: [principal],
    tls: certificate('valid')
  })
  token = (await machineToken(workspace.url, principal)).body.access_token
})
afterAll(() => workspace.stop())

/** Over TLS, as drivers do it. */
function send(hex: string, warehouse = workspace.compute.runningWarehouseId) {
  return new Promise<{ status: number | undefined; reason: unknown; hex: string }>(
    (resolve, reject) => {
      const url = `${workspace.tlsUrl}/sql/1.0/warehouses/${warehouse}`
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-thrift' }
      const req = request(url, { method: 'POST', ca: testCa, headers }, async (res) => {
        const chunks: Buffer[] = []
        for await (const chunk of res) chunks.push(Buffer.from(chunk))
        const reason = res.headers['x-thriftserver-error-message']
        resolve({ status: res.statusCode, reason, hex: Buffer.concat(chunks).toString('hex') })
      })
      req.once('error', reject)
      req.end(Buffer.from(hex, 'hex'))
    }
  )
}

async function open(): Promise<string> {
  const { hex } = await send(openSession)
  const id = hex.slice(openedSession.indexOf('S'), openedSession.indexOf('S') + 32)
  expect(hex.replace(id, 'S')).toBe(openedSession)
  return id
}

async function begin(statement: string, session: string): Promise<{ id: string; hex: string }> {
  const length = statement.length.toString(16).padStart(8, '0')
  const { hex } = await send(execute(statement, length).replace('S', session))
  const [, id = ''] = /0c00010b000100000010(.{32})0b0002/.exec(hex) ?? []
  return { id, hex }
}

describe('Thrift over HTTPS', () => {
  test('a session opens, SELECT 1 runs, its row is fetched by column, all is closed', async () => {
    const session = await open()
    const { id } = await begin('SELECT 1', session)
    const ask = async (name: string, sequence: number, more = '') =>
      (await send(ofOperation(name, sequence, more).replace('O', id))).hex
    // operationState FINISHED, hasResultSet
    expect(await ask('GetOperationStatus', 3)).toMatch(
      /0c00000c0001080001000000000008000200000002020009010000$/
    )
    // one column "1" of INT_TYPE, COLUMN_BASED_SET
    expect(await ask('GetResultSetMetadata', 4)).toMatch(
      /0c00020f00010c000000010b000100000001310c00020f00010c000000010c00010800010000000300000008000300000001000008050100000001020502000000$/
    )
    const fetchFirst = '080002000000040a000300000000000186a00600040000'
    const rows = await ask('FetchResults', 5, fetchFirst)
    // no more rows; i32Val [1], no nulls
    expect(rows).toMatch(
      /020002000c0003.*0f00030c000000010c00040f00010800000001000000010b000200000001000000000000$/
    )
    expect(await ask('CloseOperation', 7)).toMatch(/0c00000c000108000100000000000000$/)
    // the handle is gone: INVALID_HANDLE
    expect(await ask('GetOperationStatus', 8)).toMatch(/0c00000c0001080001000000040b0005/)
  })

  test('a statement that fails says so in its status, with state and message', async () => {
    const { id } = await begin('SELECT * FROM nowhere', await open())
    const { hex } = await send(ofOperation('GetOperationStatus', 3).replace('O', id))
    expect(hex).toContain(`080002000000050b000300000005${Buffer.from('42P01').toString('hex')}`)
    expect(Buffer.from(hex, 'hex').toString('utf8')).toContain('TABLE_OR_VIEW_NOT_FOUND')
  })

  test('no token 401, no such warehouse 404 with the reason in its header, no Thrift 400', async () => {
    const path = `/sql/1.0/warehouses/${workspace.compute.runningWarehouseId}`
    expect((await api(workspace.url, path, undefined, { body: {} })).status).toBe(401)
    expect(await send(openSession, '0000000000000000')).toMatchObject({
      status: 404,
      reason: 'SQL warehouse 0000000000000000 does not exist.'
    })
    expect((await send('00')).status).toBe(400)
    expect((await send(openSession.slice(0, 60))).status).toBe(400)
  })

  test('a handle of nobody, and a method that is not simulated, are answered as errors', async () => {
    const { hex } = await begin('SELECT 1', '0'.repeat(32))
    expect(hex).toMatch(/0c00000c0001080001000000040b0005/)
    const unknown = await send(ofOperation('GetCatalogs', 9).replace('O', '0'.repeat(32)))
    expect(Buffer.from(unknown.hex, 'hex').toString()).toContain('GetCatalogs is not simulated')
  })
})
