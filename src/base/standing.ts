/**
 * What a replica can be without for a while and still serve: `key_service` the key management service does not
 * answer, `key_ring` the ring's file lacks what is needed and the keys in memory serve, `audit_records` the records
 * of calls cannot be written and wait.
 */
export const degradedParts = ['key_service', 'key_ring', 'audit_records'] as const
export type DegradedPart = (typeof degradedParts)[number]
