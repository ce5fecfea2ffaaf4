import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let visitor: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  visitor = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

describe('the SQL box', { timeout: 60_000 }, () => {
  async function run(statement: string): Promise<Page> {
    const { page } = visitor
    await page.getByLabel('Statement').fill(statement)
    await page.getByLabel('Statement').press('Control+Enter')
    return page
  }

  test('shows typed columns, and pages through rows that come in pieces', async () => {
    const { page, goTo, look } = visitor
    const fabric = visitors.stack.fabrics.find(({ kind }) => kind === 'sql')
    await goTo(`/fabrics/${fabric?.id}/sql`, fabric?.name)
    await page.getByText('As the service principal').click()
    await run("SELECT 7 AS seven, 'seven' AS word, NULL AS nothing")
    await page.getByRole('columnheader', { name: 'seven int' }).waitFor()
    await page.getByRole('cell', { name: 'null' }).waitFor()
    await look('sql-result')
    await run('SELECT * FROM range(25000)')
    await page.getByText('Rows 1–100 of 25,000').waitFor()
    for (let at = 1; at <= 3; at += 1) await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Rows 301–400 of 25,000').waitFor()
    await page.getByRole('cell', { name: '399', exact: true }).waitFor()
  })

  test('says that a result is cut, and where a statement is wrong', async () => {
    const page = await run('SELECT * FROM range(200000)')
    await page.getByText('The result is cut after 100,000 rows').waitFor()
    await run('SELECT * FROM nowhere')
    await page.getByText('TABLE_OR_VIEW_NOT_FOUND').waitFor()
    await visitor.look('sql-error')
  })

  test('cancels a statement, also at the warehouse', async () => {
    const page = await run('SELECT * FROM range(2000000)')
    await page.getByText('Running …').waitFor()
    const canceled = page.waitForRequest((request) => request.url().endsWith('/cancel'))
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect((await (await canceled).response())?.status()).toBe(200)
    await page.getByText('Cancelled').waitFor()
  })
})
