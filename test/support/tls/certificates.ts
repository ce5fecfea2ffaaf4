import { readFileSync } from 'node:fs'

function read(name: string): string {
  return readFileSync(new URL(`${name}.pem`, import.meta.url), 'utf8')
}

/** What a TLS server presents; see README.md. */
export type CertificateName = 'valid' | 'expired' | 'wrong-name' | 'self-signed' | 'weft'

export const testCa = read('ca')

export function certificate(name: CertificateName): { cert: string; key: string } {
  return { cert: read(name), key: read(`${name}-key`) }
}
