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

/** Every public URL of a deployment; which of them a request came by is told by its `Host` alone. */
export interface PublicUrls {
  /** What stands where no request does: names of the deployment, links that are sent. */
  readonly first: PublicUrl
  /** Null: the host is none of them. */
  of(host: string | undefined): PublicUrl | null
  /** The request target without the prefix of the URL that it came by, whether or not a proxy cut it off. */
  targetOf(host: string | undefined, target: string): string
}

export function publicUrlsOf(first: string, others: readonly string[]): PublicUrls {
  const all = [first, ...others].map(publicUrlOf)
  const byHost = new Map(all.map((url) => [url.host, url]))
  const hasPrefix = all.some((url) => url.pathOf('') !== '')
  const of = (host = '') => byHost.get(host) ?? byHost.get(host.toLowerCase()) ?? null
  return {
    first: publicUrlOf(first),
    of,
    targetOf(host, target) {
      if (!hasPrefix) return target
      const prefix = of(host)?.pathOf('') ?? ''
      if (prefix === '' || !target.startsWith(prefix)) return target
      const rest = target.slice(prefix.length)
      if (rest.startsWith('/')) return rest
      return rest === '' || rest.startsWith('?') ? `/${rest}` : target
    }
  }
}

/** A visible ASCII path of one leading slash: no authority, backslash, control character or space. */
const plainPath = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/

/**
 * `value` where it is a path of this very deployment, else null: nothing that a browser could read as another
 * host passes (RFC 9700 §4.11.1).
 */
export function localPath(value: string | null, { origin, pathOf }: PublicUrl): string | null {
  if (value === null || value.length > 2_048 || !plainPath.test(value)) return null
  const url = URL.parse(value, origin)
  if (url === null || url.origin !== origin) return null
  const path = url.pathname + url.search + url.hash
  const isOurs = `${path}/`.startsWith(pathOf('/')) || path.startsWith(pathOf('?'))
  return path.startsWith('//') || !isOurs ? null : path
}
