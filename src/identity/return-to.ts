/** RFC 3986 path and query characters; no fragment, no backslash, no control or space, ASCII only. */
const shape = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?$/
/** What some hop on the way might decode into another path: slashes, backslashes, dots, %, controls. */
const risky = /\/\/|%(?:2f|5c|2e|25|[01][0-9a-f]|7f)/i
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
  if (!path.startsWith(root) || risky.test(path)) return root
  const url = URL.parse(text, origin)
  // What parsing changes (dot segments, say) is not what it looked like.
  return url?.origin === origin && url.pathname + url.search === text ? text : root
}
