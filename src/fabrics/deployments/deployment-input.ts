import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { AppError, type InputFault } from '../../base/errors.ts'
import { isJsonObject } from '../../base/json-object.ts'
import type { ProviderJobs } from '../../providers/jobs.ts'
import type { DeploymentInput } from './deployments.ts'

/** Under these Weft finds its jobs again. */
const ownTags = /^weft-/i
const depthMax = 20
const bytesMax = 131_072
const tagsMax = 20
/** A field of a Quartz cron expression, as far as it can be told without knowing which field it is. */
const cronPattern = /^([0-9A-Z*?/,\-#]+ ){5,6}[0-9A-Z*?/,\-#]+$/

/**
 * What no workspace need be asked about.
 * @throws AppError `invalid_request` with every fault
 */
export function checkDeployment(jobs: ProviderJobs, { settings, schedule }: DeploymentInput): void {
  const faults: InputFault[] = []
  for (const [name, reason] of Object.entries(jobs.reservedSettings)) {
    if (Object.hasOwn(settings, name)) {
      faults.push({ pointer: `/settings/${name}`, message: `not to be set: ${reason}` })
    }
  }
  faults.push(...tagFaults(settings.tags), ...sizeFaults(settings))
  if (schedule !== undefined) {
    if (!cronPattern.test(schedule.quartzCronExpression)) {
      const message = 'not a Quartz cron expression: six or seven fields, seconds first'
      faults.push({ pointer: '/schedule/quartzCronExpression', message })
    }
    if (!isTimezone(schedule.timezoneId)) {
      faults.push({ pointer: '/schedule/timezoneId', message: 'not the name of a time zone' })
    }
    for (const name of ['trigger', 'continuous']) {
      if (!Object.hasOwn(settings, name)) continue
      faults.push({ pointer: `/settings/${name}`, message: 'a job has this or a schedule' })
    }
  }
  if (faults.length === 0) return
  const detail = faults.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ')
  throw new AppError('invalid_request', { detail, errors: faults })
}

function tagFaults(tags: unknown): InputFault[] {
  if (tags === undefined) return []
  const pointer = '/settings/tags'
  if (!isJsonObject(tags)) return [{ pointer, message: 'not an object' }]
  if (Object.keys(tags).length > tagsMax) return [{ pointer, message: `more than ${tagsMax}` }]
  const own = Object.keys(tags).filter((name) => ownTags.test(name))
  return own.map((name) => ({ pointer: `${pointer}/${name}`, message: 'such tags are Weft’s own' }))
}

function sizeFaults(settings: DeploymentInput['settings']): InputFault[] {
  const pointer = '/settings'
  if (Buffer.byteLength(JSON.stringify(settings)) > bytesMax) {
    return [{ pointer, message: `more than ${bytesMax} bytes` }]
  }
  const faults: InputFault[] = []
  const walk = (value: unknown, at: string, depth: number): void => {
    if (depth > depthMax) faults.push({ pointer: at, message: 'nested too deep' })
    else if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
      faults.push({ pointer: at, message: 'beyond 2^53: write the digits as a text' })
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value))
        walk(member, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1)
  }
  walk(settings, pointer, 0)
  return faults
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** SHA-256, hex, over the canonical JSON (RFC 8785); of nothing as of null. */
export function hashJson(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value ?? null) ?? '')
    .digest('hex')
}
