import { Button } from '@mantine/core'

interface Props {
  readonly of: {
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly fetchNextPage: () => unknown
  }
  readonly children?: string
}

/** Below a list that has not all come yet. */
export function ShowMore({ of, children = 'Show more' }: Props) {
  if (!of.hasNextPage) return null
  return (
    <Button
      variant="subtle"
      size="xs"
      m="sm"
      loading={of.isFetchingNextPage}
      onClick={() => of.fetchNextPage()}
    >
      {children}
    </Button>
  )
}
