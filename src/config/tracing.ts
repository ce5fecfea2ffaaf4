import { Secret } from '../base/secret.ts'
import { parsePlain } from './names.ts'
import { orRefuse, Refusal, refuseWhere } from './refusal.ts'

/** Where spans go, and which of them; as OpenTelemetry's own variables say it. */
export interface TracingConfig {
  readonly url: string
  readonly protocol: 'http/protobuf' | 'http/json'
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, Secret>>
  readonly sampler: { readonly isParentBased: boolean; readonly ratio: number }
  readonly serviceName: string
}

type Read = <T>(name: string, parse: (text: string) => T) => T | null

/**
 * Null: no collector is named, or none is wanted.
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function readTracing(read: Read): TracingConfig | null {
  const base = read('OTEL_EXPORTER_OTLP_ENDPOINT', parseCollector)
  const own = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', parseCollector)
  const isOff = read('OTEL_SDK_DISABLED', (text) => text.toLowerCase() === 'true') === true
  const isUnwanted = read('OTEL_TRACES_EXPORTER', parseExporter) === 'none'
  const protocol = read('OTEL_EXPORTER_OTLP_PROTOCOL', parseProtocol)
  const ownProtocol = read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', parseProtocol)
  const headers = read('OTEL_EXPORTER_OTLP_HEADERS', parseHeaders)
  const ownHeaders = read('OTEL_EXPORTER_OTLP_TRACES_HEADERS', parseHeaders)
  const sampler = read('OTEL_TRACES_SAMPLER', parseSampler) ?? parseSampler('parentbased_always_on')
  const ratio = read('OTEL_TRACES_SAMPLER_ARG', parseRatio) ?? 1
  const serviceName = read('OTEL_SERVICE_NAME', parsePlain) ?? 'weft'
  const url = own ?? (base === null ? null : `${base.replace(/\/$/, '')}/v1/traces`)
  if (url === null || isOff || isUnwanted) return null
  return {
    url,
    protocol: ownProtocol ?? protocol ?? 'http/protobuf',
    headers: ownHeaders ?? headers ?? {},
    sampler: {
      isParentBased: sampler.isParentBased,
      ratio: sampler.ratio ?? ratio
    },
    serviceName
  }
}

function parseCollector(text: string): string {
  const url = orRefuse('is not a URL', () => new URL(parsePlain(text)))
  refuseWhere({
    'must begin with http:// or https://': !/^https?:$/.test(url.protocol),
    'must not hold credentials; set OTEL_EXPORTER_OTLP_HEADERS':
      url.username !== '' || url.password !== '',
    'must not have a query or fragment': /[?#]/.test(text)
  })
  return url.href
}

function parseExporter(text: string): 'otlp' | 'none' {
  if (text === 'otlp' || text === 'none') return text
  throw new Refusal('must be otlp or none')
}

function parseProtocol(text: string): TracingConfig['protocol'] {
  if (text === 'http/protobuf' || text === 'http/json') return text
  throw new Refusal('must be http/protobuf or http/json')
}

/** `name=value,name=value`, percent-encoded (W3C Baggage). */
function parseHeaders(text: string): Readonly<Record<string, Secret>> {
  const pairs = text.split(',').map((pair, index) => {
    const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s.exec(pair) ?? []
    const fault = `entry ${index + 1} is not name=value`
    const plain = orRefuse(fault, () => decodeURIComponent(value))
    refuseWhere({
      [fault]: !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || !/^[\x20-\x7e]+$/.test(plain)
    })
    return [name.toLowerCase(), new Secret(plain)] as const
  })
  return Object.fromEntries(pairs)
}

/** `ratio` null: the argument says it. */
function parseSampler(text: string): { isParentBased: boolean; ratio: number | null } {
  const [, parent, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(text) ?? []
  const ratios: Readonly<Record<string, number | null>> = {
    always_on: 1,
    always_off: 0,
    traceidratio: null
  }
  const ratio = ratios[kind ?? '']
  if (ratio === undefined) {
    throw new Refusal('must be always_on, always_off or traceidratio, or parentbased_ before one')
  }
  return { isParentBased: parent !== undefined, ratio }
}

function parseRatio(text: string): number {
  const ratio = Number(text)
  refuseWhere({ 'must be a number from 0 to 1': !(ratio >= 0 && ratio <= 1) })
  return ratio
}
