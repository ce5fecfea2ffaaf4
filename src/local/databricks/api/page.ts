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
