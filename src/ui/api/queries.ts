import {
  infiniteQueryOptions,
  keepPreviousData,
  QueryClient,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQueryClient
} from '@tanstack/react-query'
import { useMemo, useRef } from 'react'
import { type Answer, call, type Input, type OperationId } from './client.ts'
import { ProblemError } from './problem.ts'

/** Only what may be different the next time is asked again: no answer, or a fault of Weft. */
function isWorthRepeating(failures: number, err: Error): boolean {
  const status = err instanceof ProblemError ? err.problem.status : 500
  return failures < 2 && (status === 0 || status >= 500)
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: 5_000, retry: isWorthRepeating },
      mutations: { retry: false }
    }
  })
}

/** What an operation answers, kept under `[operationId, input]`. */
export function queryOf<Id extends OperationId>(id: Id, input: Input<Id>) {
  return queryOptions({
    queryKey: [id, input] as const,
    queryFn: ({ signal }): Promise<Answer<Id>> => call(id, input, { signal })
  })
}

/** Operations that answer `{ items, nextCursor }`. */
export type ListId = {
  [Id in OperationId]: Answer<Id> extends { items: unknown[]; nextCursor: string | null }
    ? Id
    : never
}[OperationId]

export type Item<Id extends ListId> = Answer<Id>['items'][number]

export function listOf<Id extends ListId>(id: Id, input: Input<Id>) {
  return infiniteQueryOptions({
    queryKey: [id, input] as const,
    initialPageParam: null as string | null, // else TypeScript takes it for always null
    queryFn: ({ pageParam, signal }): Promise<Answer<Id>> => {
      const query = { limit: 100, ...('query' in input && input.query), cursor: pageParam }
      const { cursor, ...first } = query
      return call(id, { ...input, query: cursor === null ? first : query }, { signal })
    },
    getNextPageParam: (last: Answer<Id>) => last.nextCursor
  })
}

/** A list that loads its next page when asked; `items` is all that has come, of the last filter until this one's is there. */
export function useList<Id extends ListId>(
  id: Id,
  input: Input<Id>,
  /** How often it is asked for anew by itself, milliseconds. */
  refetchInterval: number | false = false
) {
  const options = { placeholderData: keepPreviousData, refetchInterval }
  const query = useInfiniteQuery({ ...listOf(id, input), ...options })
  const { data } = query
  const items = useMemo(() => data?.pages.flatMap((page): Item<Id>[] => page.items) ?? [], [data])
  return { ...query, items }
}

/**
 * A change. What it makes old is asked for anew: the queries of `makesOld`. A repetition of the same input after
 * a failure carries the same idempotency key, so a create that did arrive is not done twice.
 */
export function useCall<Id extends OperationId>(id: Id, makesOld: readonly OperationId[] = []) {
  const queries = useQueryClient()
  const intent = useRef({ input: '', key: '' })
  return useMutation({
    mutationKey: [id],
    mutationFn: async (input: Input<Id>) => {
      const text = JSON.stringify(input)
      if (intent.current.input !== text) intent.current = { input: text, key: crypto.randomUUID() }
      const answer = await call(id, input, { idempotencyKey: intent.current.key })
      intent.current = { input: '', key: '' }
      return answer
    },
    onSuccess: () =>
      Promise.all(makesOld.map((old) => queries.invalidateQueries({ queryKey: [old] })))
  })
}
