import { Table } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Schemas } from '../../../generated/operations.ts'

export type UsageItem = Schemas['Usage']['items'][number]

export const count = new Intl.NumberFormat('en')
export const milliseconds = (value: number | null) =>
  value === null ? '–' : `${count.format(Math.round(value))} ms`

interface Props {
  readonly caption: string
  readonly items: readonly UsageItem[]
  readonly head: string
  readonly nameOf: (item: UsageItem) => ReactNode
  readonly keyOf: (item: UsageItem) => string
}

/** Figures in rows: what the charts show, and who asked. */
export function FiguresTable({ caption, items, head, nameOf, keyOf }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="usage-scroll" tabIndex={0} aria-label={caption}>
      <Table verticalSpacing={6} miw={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{head}</Table.Th>
            <Table.Th>Calls</Table.Th>
            <Table.Th>Errors</Table.Th>
            <Table.Th>Mean latency</Table.Th>
            <Table.Th>Longest</Table.Th>
            <Table.Th>Tokens</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={keyOf(item)}>
              <Table.Td>{nameOf(item)}</Table.Td>
              <Table.Td>{count.format(item.calls)}</Table.Td>
              <Table.Td>{count.format(item.errors)}</Table.Td>
              <Table.Td>{milliseconds(item.duration.meanMs)}</Table.Td>
              <Table.Td>{milliseconds(item.duration.maxMs)}</Table.Td>
              <Table.Td>{count.format(item.totalTokens)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
