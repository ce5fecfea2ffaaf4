/** Of an environment, the little that a child of the stack may see: no credentials, and of Node no setting but its cache. */
export function inheritedFrom(
  env: Readonly<Record<string, string | undefined>>
): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ', 'NODE_COMPILE_CACHE', 'WEFT_LOG_LEVEL']
  const pairs = names.flatMap((name): [string, string][] => {
    const value = env[name]
    return value === undefined || value === '' ? [] : [[name, value]]
  })
  return { WEFT_LOG_LEVEL: 'warn', ...Object.fromEntries(pairs) }
}
