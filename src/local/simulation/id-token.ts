/** The same JWT with a signature that no longer verifies. */
export function breakSignature(jwt: string): string {
  const [header, payload, signature = ''] = jwt.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes[0] = (bytes[0] ?? 0) ^ 0xff
  return `${header}.${payload}.${bytes.toString('base64url')}`
}
