import { invalidRequest } from '../base/errors.ts'

const hostPattern = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/

/**
 * An admin's list of hosts that an app connection may serve: exact hosts, or `*.suffix`, all inside the
 * provider's zones or among the operator's own origins.
 * @param extraHosts hosts of the origins that the operator named
 * @throws AppError `invalid_request` with the pointer of the first entry that is none
 */
export function checkHostPatterns(
  patterns: readonly string[],
  zones: readonly string[],
  extraHosts: readonly string[]
): string[] {
  return patterns.map((given, index) => {
    const pattern = given.toLowerCase()
    const suffix = pattern.startsWith('*.') ? pattern.slice(1) : null
    const isInZone = zones.some((zone) => pattern.endsWith(zone) || suffix === zone)
    const isNamed = suffix === null && extraHosts.includes(pattern)
    if (isNamed || (isInZone && hostPattern.test(pattern))) return pattern
    throw invalidRequest(
      `/allowedHosts/${index}`,
      "neither a host nor a *.suffix inside the provider's zones"
    )
  })
}

/** Whether the list lets this origin through; an empty list lets every host of the provider's zones through. */
export function matchesHostPatterns(patterns: readonly string[], origin: string): boolean {
  if (patterns.length === 0) return true
  const { hostname } = new URL(origin)
  return patterns.some((pattern) =>
    pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern
  )
}
