import { Button, Group, Loader, Text } from '@mantine/core'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'

interface Props<Item> {
  readonly items: readonly Item[]
  /** What the list holds, for who cannot see it. */
  readonly label: string
  readonly keyOf: (item: Item) => string
  /** About how high a row is, pixels; each is measured when shown. */
  readonly rowHeight: number
  readonly children: (item: Item) => ReactNode
  readonly hasNextPage: boolean
  readonly isFetchingNextPage: boolean
  readonly fetchNextPage: () => unknown
}

/** A list of any length: only what is in sight is in the document, and the next page comes as one nears it. */
export function VirtualList<Item>(props: Props<Item>) {
  const { items, keyOf, hasNextPage, isFetchingNextPage, fetchNextPage } = props
  const list = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    const { top: inSight } = list.current?.getBoundingClientRect() ?? { top: 0 }
    setTop(inSight + window.scrollY)
  }, [])
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => props.rowHeight,
    overscan: 8,
    scrollMargin: top,
    getItemKey: (index) => keyOf(items[index] as Item) // count is the list's own length
  })
  const shown = rows.getVirtualItems()
  const last = shown.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= items.length - 20) fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, items.length])
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: rows are placed, which a list's own elements are not */}
      <div
        ref={list}
        role="list"
        aria-label={props.label}
        style={{ position: 'relative', height: rows.getTotalSize() }}
      >
        {shown.map((row) => {
          const item = items[row.index]
          return (
            // biome-ignore lint/a11y/useSemanticElements: see above
            <div
              key={row.key}
              ref={rows.measureElement}
              data-index={row.index}
              role="listitem"
              aria-setsize={hasNextPage ? -1 : items.length}
              aria-posinset={row.index + 1}
              style={{
                position: 'absolute',
                insetInline: 0,
                transform: `translateY(${row.start - top}px)`
              }}
            >
              {item !== undefined && props.children(item)}
            </div>
          )
        })}
      </div>
      {hasNextPage && (
        <Group justify="center" p="md">
          {isFetchingNextPage ? <Loader size="sm" type="dots" /> : null}
          <Button variant="subtle" size="xs" onClick={() => fetchNextPage()}>
            Show more
          </Button>
          <Text size="xs" c="dimmed" role="status">
            {items.length} shown
          </Text>
        </Group>
      )}
    </>
  )
}
