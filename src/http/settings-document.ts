import { AppError, type InputFault, invalidRequest } from '../base/errors.ts'
import { isJsonObject } from '../base/json-object.ts'
import type { ImportedSettings, SettingsDocument } from '../interchange/interchange.ts'
import { type ProphecyDocument, settingsOfProphecy } from '../interchange/prophecy.ts'
import { ProphecySettings, Settings } from './schemas/settings.ts'
import { readText } from './settings-text.ts'
import { validatorCompiler } from './validation.ts'

export interface ReadSettings {
  readonly settings: ImportedSettings
  /** The fault, with its place in the text. */
  readonly located: (fault: InputFault) => InputFault
}

const compile = validatorCompiler()
const [isWeft, isProphecy] = [Settings, ProphecySettings].map((schema) =>
  compile({ schema, method: 'PUT', url: '', httpPart: 'body' })
)

/**
 * A document of Weft's own or of the Prophecy Build Tool's.
 * @param team whose the fabrics become that know no team
 * @throws AppError `invalid_request` with the place of every fault
 */
export function readSettings(
  text: string,
  { team, prunes }: { team: string | undefined; prunes: boolean }
): ReadSettings {
  const { value, located } = readText(text)
  return { settings: atPlaces(located, () => settingsOf(value, team, prunes)), located }
}

function settingsOf(value: unknown, team: string | undefined, prunes: boolean): ImportedSettings {
  if (!isJsonObject(value)) throw invalidRequest('', 'is no document of settings')
  const isOne = isJsonObject(value.databricks)
  if (isOne || ('fabrics' in value && !('weft' in value) && !('appConnections' in value))) {
    if (prunes) throw invalidRequest('/query/prune', 'such a file names only a part of all')
    if (team === undefined)
      throw invalidRequest('/query/team', 'such a file names no team: give one')
    const whole = isOne ? { fabrics: [value] } : value
    mustHold(isProphecy, whole)
    return settingsOfProphecy({
      value: whole as unknown as ProphecyDocument, // its schema holds
      pointerOfFabric: (index) => (isOne ? '' : `/fabrics/${index}`),
      team
    })
  }
  if (team !== undefined)
    throw invalidRequest('/query/team', 'this document names the teams itself')
  mustHold(isWeft, value)
  const document = value as unknown as SettingsDocument // its schema holds
  return { format: 'weft', document, notices: [], pointerOf: (pointer) => pointer }
}

function mustHold(validate: ReturnType<typeof compile> | undefined, value: unknown): void {
  const verdict: unknown = validate?.(value)
  if (verdict === true) return
  throw isJsonObject(verdict) ? verdict.error : new AppError('internal')
}

/** Work whose faults are told with their places. */
export function atPlaces<T>(located: ReadSettings['located'], work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw placed(located, error)
  }
}

export function placed(located: ReadSettings['located'], error: unknown): unknown {
  if (!(error instanceof AppError) || error.errors === undefined) return error
  const errors = error.errors.map((fault) =>
    fault.pointer.startsWith('/query/') ? fault : located(fault)
  )
  return new AppError(error.code, { errors })
}
