import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createEngine,
  type FuncMap,
  sprigConversions,
  sprigDefaults,
  sprigDicts,
  sprigFlow,
  sprigLists,
  sprigMath,
  sprigStrings
} from '@promptctl/go-template-js'
import { Ajv } from 'ajv'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { root } from '../house/source.ts'

export const chart = join(root, 'deploy/helm/weft')

export type Values = Readonly<Record<string, unknown>>

/** A Kubernetes resource as it would be sent. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> }
  readonly [member: string]: unknown
}

const read = (path: string) => readFileSync(join(chart, path), 'utf8')

/** The text of the template `name`, in the chart's own words. */
type Include = (name: string, data: unknown) => string

/** What Helm adds to Go's templates and Sprig, as far as the chart uses it. */
function helmFuncs(include: Include): FuncMap {
  return {
    include: { fn: include, argTypes: ['string', 'value'] },
    toYaml: {
      fn: (value: unknown) => stringify(value, { lineWidth: 0 }).trimEnd(),
      argTypes: ['value']
    },
    fileText: { fn: read, argTypes: ['string'] },
    fromYaml: { fn: (text: string) => parse(text), argTypes: ['string'] },
    required: {
      fn: (message: string, value: unknown) => {
        if (value === null || value === undefined || value === '') throw new TypeError(message)
        return value
      },
      argTypes: ['string', 'value']
    },
    urlParse: { fn: (url: string) => ({ host: new URL(url).host }), argTypes: ['string'] }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** As Helm merges: objects member by member, anything else as a whole. */
function merged(base: Values, over: Values): Values {
  const both = Object.entries(over).map(([name, value]) => {
    const own = base[name]
    return [name, isObject(own) && isObject(value) ? merged(own, value) : value]
  })
  return { ...base, ...Object.fromEntries(both) }
}

export const valuesOf = (path: string): Values => parse(read(path))

const validate = new Ajv({ strict: false, allErrors: true }).compile(
  JSON.parse(read('values.schema.json'))
)

/**
 * The chart's resources, as `helm template` would print them: the same templates in an engine of the same language,
 * which knows no functions but Sprig's and those above, and stops at any other.
 * @throws TypeError where the values are refused, by their schema or by a template
 */
export function renderChart(given: Values): Manifest[] {
  const values = merged(valuesOf('values.yaml'), given)
  if (!validate(values)) {
    throw new TypeError(
      (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message}`).join('\n')
    )
  }
  const { name, version, appVersion } = valuesOf('Chart.yaml')
  const scope = {
    Values: values,
    Release: { Name: 'weft', Namespace: 'weft', Service: 'Helm' },
    Chart: { Name: name, Version: version, AppVersion: appVersion }
  }
  const parts = read('templates/_helpers.tpl')
  // The engine calls functions, and no methods.
  const evaluate = (text: string, data: unknown): string =>
    engine
      .parse(`${parts}${text.replaceAll('.Files.Get', 'fileText')}`)
      .evaluate(data)
      .join('')
  const engine = createEngine<string>({
    fromString: (text) => text,
    funcs: {
      ...sprigDefaults(),
      ...sprigStrings(),
      ...sprigLists(),
      ...sprigDicts(),
      ...sprigMath(),
      ...sprigConversions(),
      ...sprigFlow(),
      ...helmFuncs((part, data) => evaluate(`{{ template "${part}" . }}`, data).replace(/^\n+/, ''))
    }
  })
  return readdirSync(join(chart, 'templates'))
    .filter((file) => /\.(yaml|txt)$/.test(file))
    .flatMap((file) => {
      const text = evaluate(read(`templates/${file}`), scope)
      return file.endsWith('.txt') ? [] : manifestsOf(text)
    })
}

/** @throws where it is no YAML */
export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0]
    const manifest: Manifest | null = document.toJS()
    return manifest === null ? [] : [manifest]
  })
}
