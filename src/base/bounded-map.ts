/**
 * Sets `key` as the newest entry of a map that holds at most `entriesMax` (≥ 1): where it is full, the entry that
 * was set longest ago goes. What callers from outside can name is kept so, and no stranger fills the memory.
 */
export function setNewest<K, V>(map: Map<K, V>, key: K, value: V, entriesMax: number): void {
  map.delete(key)
  const [oldest] = map.keys()
  if (map.size >= entriesMax && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
