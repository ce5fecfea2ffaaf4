/** The path under which this deployment stands, empty at the root; the server writes it into the page. */
const written = document.querySelector('meta[name="weft-prefix"]')?.getAttribute('content') ?? ''
export const prefix = written.startsWith('{{') ? '' : written

/** A path of this deployment as the browser has to ask for it. */
export const pathOf = (path: string): string => prefix + path
