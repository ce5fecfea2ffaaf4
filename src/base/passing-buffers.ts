import { setFlagsFromString } from 'node:v8'

/**
 * Bytes that pass by are garbage at once. By itself V8 answers each few dozen MiB of them with a look through the
 * whole heap, which takes longer than passing them on; counted among the heap's own limits they go with
 * the next cheap collection. Takes effect at once, and for the process.
 * @see https://chromium.googlesource.com/v8/v8/+/refs/heads/main/src/flags/flag-definitions.h
 */
export function letBuffersPass(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}
