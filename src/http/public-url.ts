/** Where this deployment is reached from outside; links and checks come from here, never from a request. */
export interface PublicUrl {
  /** Scheme, host and port. */
  readonly origin: string
  /** As a browser's `Host` says it: no port where it is the scheme's own. */
  readonly host: string
  readonly isHttps: boolean
  /** Absolute URL of a path of this deployment. */
  at(path: string): string
  /** The path as a browser sees it, behind the deployment's prefix if it has one. */
  pathOf(path: string): string
}

export function publicUrlOf(url: string): PublicUrl {
  const { origin, host, protocol, pathname } = new URL(url)
  const prefix = pathname.replace(/\/+$/, '')
  return {
    origin,
    host,
    isHttps: protocol === 'https:',
    at: (path) => origin + prefix + path,
    pathOf: (path) => prefix + path
  }
}

/** A visible ASCII path of one leading slash: no authority, backslash, control character or space. */
const plainPath = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/

/**
 * `value` where it is a path of this very origin, else null: nothing that a browser could read as another
 * host passes (RFC 9700 §4.11.1).
 */
export function localPath(value: string | null, { origin }: PublicUrl): string | null {
  if (value === null || value.length > 2_048 || !plainPath.test(value)) return null
  const url = URL.parse(value, origin)
  if (url === null || url.origin !== origin) return null
  const path = url.pathname + url.search + url.hash
  return path.startsWith('//') ? null : path
}
