/** Kubernetes sets `{SERVICE}_PORT=tcp://…` and kin for each service unless told not to. */
const serviceLink = /^WEFT_(.*_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))(_|$)/
export const serviceLinkAdvice =
  'is a Kubernetes service link; set enableServiceLinks: false on the pod'

export function adviceOn(unknown: string, known: readonly string[]): string {
  if (serviceLink.test(unknown)) return serviceLinkAdvice
  const pairsOf = (name: string) => name.split('').map((_, at) => name.slice(at, at + 2))
  const likeness = (name: string) =>
    pairsOf(name).filter((pair) => unknown.includes(pair)).length / (name.length + unknown.length)
  const nearest = known.reduce((a, b) => (likeness(b) > likeness(a) ? b : a))
  return `is not known; did you mean ${nearest}?`
}
