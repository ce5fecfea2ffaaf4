import { type Clock, plusMs } from '../base/clock.ts'
import { invalidRequest } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import {
  listUsage,
  nameActors,
  sumUsage,
  type UsageKey,
  type UsageSums
} from '../store/usage-days.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'
import type { Fabrics } from './fabrics.ts'
import type { UsageFigures, UsageItem, UsageQuery } from './usage-view.ts'

const dayMs = 24 * 60 * 60_000
const daysDefault = 30
const daysMax = 366

/** What was asked through a fabric. Its admins see whose calls they were, a member sees their own. */
export function createUsage({ db, clock }: Pick<FabricDeps, 'db' | 'clock'>) {
  const usage: Fabrics['usage'] = async (scope, id, query) => {
    const range = rangeOf(query, clock)
    const after = query.cursor === null ? null : readCursor(query.cursor)
    return await db.inTenant(scope, async (tx) => {
      const row = await mustFindFabric(tx, id, 'fabric.usage')
      const seesAll = scope.authority.may('fabric.usage_of_others', asId('team', row.teamId))
      const wanted = {
        fabricId: id,
        ...range,
        actorId: seesAll ? null : scope.actor.id,
        byDay: query.groupBy.includes('day'),
        byEndpoint: query.groupBy.includes('endpoint'),
        byActor: query.groupBy.includes('caller')
      }
      const found = await listUsage(tx, wanted, { after, limit: query.limit + 1 })
      const shown = found.slice(0, query.limit)
      const names = await nameActors(tx, [...new Set(shown.map(({ actorId }) => actorId))])
      const last = found.length > query.limit ? shown.at(-1) : undefined
      return {
        ...range,
        total: figuresOf(await sumUsage(tx, wanted)),
        items: shown.map((row) => itemOf(row, names)),
        nextCursor: last === undefined ? null : cursorOf(last)
      }
    })
  }
  return { usage }
}

/** @throws AppError `invalid_request` */
function rangeOf(query: UsageQuery, clock: Clock): { from: string; to: string } {
  const given = { from: dayOf(query.from, '/query/from'), to: dayOf(query.to, '/query/to') }
  const to = given.to ?? textOf(clock.now())
  const from = given.from ?? textOf(plusMs(new Date(to), -(daysDefault - 1) * dayMs))
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1
  if (days < 1) throw invalidRequest('/query/from', 'must not be after to')
  if (days > daysMax) throw invalidRequest('/query/from', `the range is over ${daysMax} days`)
  return { from, to }
}

/** The UTC day of a date or a date-time. */
function dayOf(text: string | undefined, pointer: string): string | undefined {
  if (text === undefined) return undefined
  const ms = Date.parse(text)
  // What names no day of the calendar is either not parsed or becomes another day.
  const isDay =
    !Number.isNaN(ms) && textOf(new Date(Date.parse(text.slice(0, 10)))) === text.slice(0, 10)
  if (!isDay) throw invalidRequest(pointer, 'not a date')
  return textOf(new Date(ms))
}

function textOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}

function itemOf(row: UsageKey & UsageSums, names: ReadonlyMap<string, string>): UsageItem {
  const { actorKind: kind, actorId: id } = row
  return {
    day: row.day || null,
    endpoint: row.endpoint || null,
    caller: kind === '' ? null : { kind, id, name: names.get(id) ?? null },
    ...figuresOf(row)
  }
}

function figuresOf(sums: UsageSums): UsageFigures {
  const { calls, errors, requestBytes, answerBytes, inputTokens, outputTokens, totalTokens } = sums
  const duration = {
    meanMs: calls === 0 ? null : tenths(sums.durationMs / calls),
    maxMs: calls === 0 ? null : tenths(sums.durationMaxMs)
  }
  const tokens = { inputTokens, outputTokens, totalTokens }
  return { calls, errors, requestBytes, answerBytes, ...tokens, duration }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}

function cursorOf({ day, endpoint, actorKind, actorId }: UsageKey): string {
  const text = [day, endpoint, actorKind, actorId].join(' ')
  return Buffer.from(text).toString('base64url')
}

/** @throws AppError `invalid_request` */
function readCursor(cursor: string): UsageKey {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const [day, endpoint, actorKind, actorId, more] = text.split(' ')
  if (actorId === undefined || more !== undefined || !/^[\x20-\x7e]*$/.test(text)) {
    throw invalidRequest('/query/cursor', 'not a cursor of this list')
  }
  return { day: day ?? '', endpoint: endpoint ?? '', actorKind: actorKind ?? '', actorId }
}
