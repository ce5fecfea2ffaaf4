declare global {
  /** Where react-remove-scroll, below Mantine's dialogs, looks for the nonce of its style element. */
  var __webpack_nonce__: string
}

const named = document.querySelector('meta[property="csp-nonce"]')

/** Of this very answer: what the content security policy lets a style element be known by. */
export const nonce = named instanceof HTMLElement ? named.nonce : ''
globalThis.__webpack_nonce__ = nonce
