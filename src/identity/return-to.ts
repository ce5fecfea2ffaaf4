/**
 * A path of plain characters and a query (RFC 3986 §3.3, §3.4). No fragment, backslash, space or control,
 * ASCII only. No percent in the path either: our own have none, and hops decode them in many ways.
 */
const shape =
  /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*(\?([A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*)?$/
const lengthMax = 2048

/**
 * Where a browser may be sent after a login: the very path that was asked for, if it lies plainly under
 * the public URL, else the public URL's own root. The result begins with exactly one slash.
 */
export function safeReturnTo(text: string | null, publicUrl: string): string {
  const { origin, pathname } = new URL(publicUrl)
  const root = pathname.endsWith('/') ? pathname : `${pathname}/`
  if (text === null || text.length > lengthMax || !shape.test(text)) return root
  const [path = ''] = text.split('?', 1)
  if (!path.startsWith(root) || path.includes('//')) return root
  const url = URL.parse(text, origin)
  // What parsing changes (dot segments, say) is not what it looked like.
  return url?.origin === origin && url.pathname + url.search === text ? text : root
}
