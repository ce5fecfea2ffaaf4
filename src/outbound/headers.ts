import type { Secret } from '../base/secret.ts'

/** Names and values in turn, or a record. */
export type HeaderInput = readonly string[] | Readonly<Record<string, string>>

/** Belongs to one hop (RFC 9110 §7.6.1), to the connection or to the cookie jar that we do not keep. */
const neverSent = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'cookie'
])

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

export interface RequestHeaderOptions {
  /** Takes the place of any `authorization` in the input. */
  readonly bearer?: Secret | undefined
  /** Header values that are secret, by name. */
  readonly secrets?: Readonly<Record<string, Secret>> | undefined
  readonly userAgent: string
  /** Left out besides: `content-length` where the body's length is known anyway, and so on. */
  readonly dropped: readonly string[]
}

/** The header block as undici takes it: at most one `authorization`, ours if we have one. */
export function requestHeaders(input: HeaderInput, options: RequestHeaderOptions): string[] {
  const block: string[] = []
  let hasUserAgent = false
  const add = (name: string, value: string) => {
    const lower = name.toLowerCase()
    if (neverSent.has(lower) || options.dropped.includes(lower)) return
    if (lower === 'authorization' && options.bearer !== undefined) return
    if (lower === 'user-agent') hasUserAgent = true
    block.push(lower, value)
  }
  if (isFlat(input)) {
    for (let i = 0; i + 1 < input.length; i += 2) add(input[i] ?? '', input[i + 1] ?? '')
  } else {
    for (const [name, value] of Object.entries(input)) add(name, value)
  }
  for (const [name, value] of Object.entries(options.secrets ?? {})) add(name, value.reveal())
  if (!hasUserAgent) block.push('user-agent', options.userAgent)
  if (options.bearer !== undefined) block.push('authorization', `Bearer ${options.bearer.reveal()}`)
  return block
}

function isFlat(input: HeaderInput): input is readonly string[] {
  return Array.isArray(input)
}

export type HeaderPairs = readonly (readonly [string, string])[]

/** undici's raw header block as pairs in order, names in lower case, without what is one hop's own. */
export function responseHeaders(raw: unknown): HeaderPairs {
  const pairs: (readonly [string, string])[] = []
  if (!Array.isArray(raw)) return pairs
  let nominated: readonly string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = textOf(raw[i]).toLowerCase()
    const value = textOf(raw[i + 1])
    if (name === 'connection') {
      nominated = nominated.concat(value.split(',').map((token) => token.trim().toLowerCase()))
    }
    if (!hopByHop.has(name)) pairs.push([name, value])
  }
  const names = nominated.filter((name) => name !== 'content-length' && name !== 'content-type')
  return names.length === 0 ? pairs : pairs.filter(([name]) => !names.includes(name))
}

function textOf(part: unknown): string {
  return Buffer.isBuffer(part) ? part.toString('latin1') : String(part)
}

/** Pairs as a record, values of one name joined (RFC 9110 §5.3); `set-cookie` is left out. */
export function headerRecord(pairs: HeaderPairs): Record<string, string> {
  const record: Record<string, string> = Object.create(null)
  for (const [name, value] of pairs) {
    if (name === 'set-cookie') continue
    const earlier = record[name]
    record[name] = earlier === undefined ? value : `${earlier}, ${value}`
  }
  return record
}
