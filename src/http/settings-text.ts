import { CST, isMap, isScalar, isSeq, Lexer, parseDocument, stringify } from 'yaml'
import { AppError, type InputFault } from '../base/errors.ts'

/** What a text holds, and where in it. */
export interface ReadText {
  readonly value: unknown
  /** The fault with the place of what it points at, or else of what should hold that. */
  located(fault: InputFault): InputFault
}

/** Of as much as this, parsing takes up to half a second on one core. */
const tokensMax = 100_000
const depthMax = 32
const faultsMax = 100

/**
 * YAML 1.2, and so JSON too, that says what it means: one document without aliases, tags and directives, and
 * no key twice. What is too large is refused before anything is built from it.
 * @throws AppError `invalid_request`; in no words of the parser's, which may repeat a value
 */
export function readText(text: string): ReadText {
  const unwanted = unwantedIn(text)
  if (unwanted !== null) throw new AppError('invalid_request', { errors: [unwanted] })
  const document = parseDocument(text, {
    uniqueKeys: false, // it compares each with each; `duplicatesIn` does not
    resolveKnownTags: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error'
  })
  const { contents } = document
  const found = [...document.errors, ...document.warnings].slice(0, faultsMax)
  const faults = found.map(({ code, pos }) =>
    faultAt(text, pos[0], '', `is not YAML: ${code.toLowerCase().replaceAll('_', ' ')}`)
  )
  if (faults.length === 0) faults.push(...duplicatesIn(text, contents))
  if (faults.length > 0) throw new AppError('invalid_request', { errors: faults })
  return {
    value: document.toJS(),
    located: ({ pointer, message }) => faultAt(text, offsetOf(contents, pointer), pointer, message)
  }
}

/** As readers of YAML 1.1 understand it too. */
export function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })
}

const refused: Readonly<Record<string, string>> = {
  alias: 'aliases are not read: write it out',
  anchor: 'anchors are not read',
  tag: 'tags are not read',
  'directive-line': 'directives are not read'
}
const depths: Readonly<Record<string, number>> = {
  'flow-seq-start': 1,
  'flow-map-start': 1,
  'flow-seq-end': -1,
  'flow-map-end': -1
}
const marks: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR])

/** What the parser would take too far, told from the tokens alone. */
function unwantedIn(text: string): InputFault | null {
  let [offset, count, depth] = [0, 0, 0]
  let last = ''
  for (const token of new Lexer().lex(text)) {
    const type = last === CST.SCALAR ? '' : (CST.tokenType(token) ?? '')
    count += 1
    depth += depths[type] ?? 0
    if (refused[type] !== undefined) return faultAt(text, offset, '', refused[type])
    if (depth < 0) return faultAt(text, offset, '', 'is not YAML: closes what was not opened')
    if (depth > depthMax) return faultAt(text, offset, '', `is more than ${depthMax} deep`)
    if (count > tokensMax) return faultAt(text, offset, '', 'is too large: import it in parts')
    if (!marks.has(token)) offset += token.length
    last = token
  }
  return null
}

function duplicatesIn(text: string, root: unknown): InputFault[] {
  const faults: InputFault[] = []
  const visit = (node: unknown, pointer: string) => {
    if (isSeq(node)) for (const [at, item] of node.items.entries()) visit(item, `${pointer}/${at}`)
    if (!isMap(node)) return
    const seen = new Set<string>()
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      const inner = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (seen.has(name)) faults.push(faultAt(text, startOf(key), inner, 'is there twice'))
      if (faults.length === faultsMax) return
      seen.add(name)
      visit(value, inner)
    }
  }
  visit(root, '')
  return faults
}

/** Of the deepest node on the pointer's way. */
function offsetOf(root: unknown, pointer: string): number {
  let node = root
  let offset = startOf(root)
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const items: readonly unknown[] = isSeq(node) ? node.items : []
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && key.value === name)
      : undefined
    node = pair === undefined ? items[Number(name)] : pair.value
    if (node === undefined) break
    offset = pair === undefined || isScalar(node) ? startOf(node) : startOf(pair.key)
  }
  return offset
}

function startOf(node: unknown): number {
  const isRanged = isScalar(node) || isMap(node) || isSeq(node)
  return isRanged ? (node.range?.[0] ?? 0) : 0
}

/** Counted from 1. */
function faultAt(text: string, offset: number, pointer: string, message: string): InputFault {
  const lines = text.slice(0, offset).split('\n')
  return { pointer, message, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}
