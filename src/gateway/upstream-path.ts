/**
 * In the form that URL parsing gives it, so that it is sent as it was checked.
 * @param path one that the path table claims, its parameters checked
 * @param query without `?`
 */
export function upstreamPathOf(origin: string, path: string, query: string): string {
  if (query === '') return path
  const url = new URL(path, origin)
  url.search = query
  return url.pathname + url.search
}
