/** One page of a list by `page_size` and `page_token`, in the manner of clusters and warehouses. */
export function tokenPageOf(
  name: string,
  items: readonly unknown[],
  query: URLSearchParams,
  { sizeDefault, sizeMax }: { readonly sizeDefault: number; readonly sizeMax: number }
): Record<string, unknown> {
  const size = Math.min(Number(query.get('page_size')) || sizeDefault, sizeMax)
  const from = Number(query.get('page_token')) || 0
  const page = items.slice(from, from + size)
  const hasMore = from + size < items.length
  return {
    ...(page.length > 0 ? { [name]: page } : {}),
    ...(hasMore ? { next_page_token: String(from + size) } : {})
  }
}

/** One page of a list by `limit` and `page_token`, in the manner of the jobs API; an empty list is left out. */
export function pageOf(
  name: string,
  items: readonly unknown[],
  query: URLSearchParams,
  limitMax: number
): Record<string, unknown> {
  const limit = Math.min(Number(query.get('limit') ?? 20) || 20, limitMax)
  const from = Number(query.get('page_token') ?? query.get('offset') ?? 0) || 0
  const page = items.slice(from, from + limit)
  const hasMore = from + limit < items.length
  return {
    ...(page.length > 0 ? { [name]: page } : {}),
    has_more: hasMore,
    ...(hasMore ? { next_page_token: String(from + limit) } : {}),
    ...(from > 0 ? { prev_page_token: String(Math.max(0, from - limit)) } : {})
  }
}
