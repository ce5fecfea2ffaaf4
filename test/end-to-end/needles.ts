import { createHash } from 'node:crypto'

/** A secret that must not be found, and where it comes from (never its value, which a report would show). */
export interface Needle {
  readonly name: string
  readonly value: string | Buffer
}

/** A text that was seen somewhere. */
export interface Haystack {
  readonly name: string
  readonly text: string
}

/** Every form in which `value` may stand in a text: plain, URL-encoded, hex, base64 at any offset. */
export function formsOf(value: string | Buffer): string[] {
  const bytes = Buffer.from(value)
  const hex = bytes.toString('hex')
  const plain = typeof value === 'string' ? [value, encodeURIComponent(value)] : []
  const base64 = [0, 1, 2].map((offset) => base64Within(bytes, offset))
  const all = [...plain, hex, hex.toUpperCase(), ...base64]
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [...new Set([...all, ...urlSafe, ...base64.map(encodeURIComponent)])]
}

/** The part of a longer text's base64 that `bytes` alone decides when they begin at `offset` modulo 3. */
function base64Within(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  const wholeCharacters = Math.floor(((offset + bytes.length) * 8) / 6)
  return text.slice(Math.ceil((offset * 8) / 6), wholeCharacters)
}

/** `needle in haystack`, for each that is found. */
export function findings(needles: readonly Needle[], haystacks: readonly Haystack[]): string[] {
  return needles.flatMap(({ name, value }) => {
    const forms = formsOf(value)
    return haystacks
      .filter(({ text }) => forms.some((form) => text.includes(form)))
      .map((haystack) => `${name} in ${haystack.name}`)
  })
}

/** Whether a text holds what hashes to one of the PKCE challenges: their verifiers are known to nobody else. */
export function verifiersIn(challenges: ReadonlySet<string>, haystacks: readonly Haystack[]) {
  return haystacks.flatMap(({ name, text }) => {
    const candidates = text.match(/[A-Za-z0-9._~-]{43,128}/g) ?? []
    const found = candidates.filter((one) => challenges.has(challengeOf(one)))
    return found.length === 0 ? [] : [`a verifier in ${name}`]
  })
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}
