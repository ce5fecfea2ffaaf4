import { Button, Group, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import { FabricProblem } from '../../../parts/fabric-problem.tsx'
import { rowLimit } from './statements.ts'
import type { Result } from './use-statement.ts'
import './sql.css'

const pageRows = 100
const count = new Intl.NumberFormat('en')
const numeric = /^(TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL)/

interface Props {
  readonly result: Result
  /** Fetches the rows that come next. */
  readonly onMore: () => Promise<void>
}

/** Typed columns, and rows a page at a time; what has not come yet is fetched when its page is gone to. */
export function ResultTable({ result, onMore }: Props) {
  const { columns, rows, totalRows, isTruncated, nextChunk } = result
  const [page, setPage] = useState(0)
  const [isFetching, setIsFetching] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const first = page * pageRows
  const shown = rows.slice(first, first + pageRows)
  const hasNext = first + pageRows < rows.length || nextChunk !== null

  const next = async () => {
    setError(null)
    try {
      if (first + 2 * pageRows > rows.length && nextChunk !== null) {
        setIsFetching(true)
        await onMore()
      }
      setPage(page + 1)
    } catch (err) {
      setError(err)
    } finally {
      setIsFetching(false)
    }
  }
  if (columns.length === 0) {
    return <Text size="sm">Done. The statement has no rows to show.</Text>
  }
  return (
    <Stack gap="sm">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="result-scroll" tabIndex={0} aria-label="Result">
        <Table stickyHeader striped="even" verticalSpacing={6} className="result-table">
          <Table.Thead>
            <Table.Tr>
              {columns.map(({ name, type_text: type }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat, their order is fixed
                <Table.Th key={at} data-numeric={numeric.test(type) || undefined}>
                  {name}
                  <Text component="div" size="xs" c="dimmed">
                    {type.toLowerCase()}
                  </Text>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((row, rowAt) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no name but their place
              <Table.Tr key={first + rowAt}>
                {row.map((cell, at) => (
                  <Table.Td
                    // biome-ignore lint/suspicious/noArrayIndexKey: see above
                    key={at}
                    data-numeric={numeric.test(columns[at]?.type_text ?? '') || undefined}
                  >
                    {cell ?? <i className="result-null">null</i>}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {error !== null && <FabricProblem error={error} />}
      <Group justify="space-between">
        <Text size="sm" c="dimmed" role="status">
          {totalRows === 0
            ? 'No rows.'
            : `Rows ${count.format(first + 1)}–${count.format(first + shown.length)} of ${count.format(totalRows)}`}
        </Text>
        {(hasNext || page > 0) && (
          <Group gap="xs">
            <Button
              variant="default"
              size="xs"
              disabled={page === 0}
              onClick={() => setPage(page - 1)}
            >
              Previous
            </Button>
            <Button
              variant="default"
              size="xs"
              disabled={!hasNext}
              loading={isFetching}
              onClick={next}
            >
              Next
            </Button>
          </Group>
        )}
      </Group>
      {isTruncated && (
        <Text size="sm" role="note">
          The result is cut after {count.format(Math.min(totalRows, rowLimit))} rows: it has more
          than fit here. Narrow the statement, or fetch the whole with a driver.
        </Text>
      )}
    </Stack>
  )
}
