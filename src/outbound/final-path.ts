/** Segments of such characters, none beginning with a dot: URL parsing leaves them as they are. */
const plain = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/

/**
 * Whether a path is sent as it is read: URL parsing (WHATWG URL §4.4) has nothing in it to fold – dot segments,
 * another host, control characters.
 * @param path with its query
 */
export function isFinalPath(origin: string, path: string): boolean {
  if (plain.test(path)) return true
  const url = path.startsWith('/') ? URL.parse(path, origin) : null
  return url?.origin === origin && url.pathname + url.search === path
}
