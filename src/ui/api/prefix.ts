/** What the server writes into the page; empty where it wrote nothing. */
function written(name: string): string {
  const value = document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? ''
  return value.startsWith('{{') ? '' : value
}

/** The path under which this deployment stands, empty at the root. */
export const prefix = written('weft-prefix')

/** Below which fabrics have hosts of their own, empty where they have none. */
export const fabricDomain = written('weft-fabric-domain')

/** A path of this deployment as the browser has to ask for it. */
export const pathOf = (path: string): string => prefix + path
