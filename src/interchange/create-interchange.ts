import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { lockAuditChain } from '../store/audit-events.ts'
import { type Db, dbWithin } from '../store/db.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { createFaults, type Faults, isOfDocument } from './faults.ts'
import type { ImportResult, Interchange, Notice, SettingsDocument } from './interchange.ts'
import { putAppConnection } from './put-app-connection.ts'
import { putFabric } from './put-fabric.ts'
import type { Put, Putting } from './putting.ts'
import { countsOf, type Puts, resourcesOf, withoutNewId } from './report.ts'
import { settingsOfAppConnection, settingsOfFabric } from './settings-of.ts'
import { readStanding, type SettledRooms } from './standing.ts'

export interface InterchangeDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Pick<Strongbox, 'prepare'>
  /** The two rooms on a database of their own. */
  readonly roomsOn: (db: Db) => SettledRooms
}

export function createInterchange({ db, audit, strongbox, roomsOn }: InterchangeDeps): Interchange {
  return {
    export: (scope) =>
      db.inTenant(scope, async (tx) => {
        const { appConnections, fabrics, names } = await readStanding(tx, roomsOn(dbWithin(db, tx)))
        return {
          weft: 1,
          appConnections: [...appConnections.values()].map(settingsOfAppConnection),
          fabrics: [...fabrics.values()].map((view) => settingsOfFabric(view, names))
        }
      }),

    async import(scope, { format, document, notices, pointerOf }, options) {
      await strongbox.prepare(scope) // sealing within the transaction then asks nobody for a key
      const undone = new Undone()
      let result: ImportResult | null = null
      const work = db.inTenant(
        scope,
        async (tx) => {
          await lockAuditChain(tx) // whatever changes settings comes before or after, and not meanwhile
          const own = dbWithin(db, tx)
          const rooms = roomsOn(own)
          const faults = createFaults(pointerOf)
          const before = await readStanding(tx, rooms)
          const announced = new Set(document.appConnections?.map(({ name }) => name))
          const putting = { scope, db: own, rooms, standing: before, faults, announced }
          const puts = await putAll(putting, document)
          if (faults.found.length > 0) {
            throw new AppError('invalid_request', { errors: faults.found })
          }
          const kept = options.prunes ? await prune(putting, document) : []
          const after = await readStanding(tx, rooms)
          const resources = resourcesOf({ document, puts, before, after, prunes: options.prunes })
          const counts = countsOf(resources)
          const shown = options.isDryRun ? resources.map(withoutNewId) : resources
          const all = [...notices, ...kept]
          result = { isDryRun: options.isDryRun, format, counts, resources: shown, notices: all }
          if (options.isDryRun) throw undone
          await audit.append(tx, {
            action: 'settings.import',
            object: ['tenant', scope.tenantId],
            details: { format, ...counts }
          })
        },
        importMaxMs
      )
      await work.catch((error: unknown) => {
        if (error !== undone) throw error
      })
      if (result === null) throw new AppError('internal', { note: 'an import without a result' })
      return result
    }
  }
}

/** Of the largest document, on a machine that is busy. */
const importMaxMs = 60_000

/** Ends a dry run, and with it all that it did. */
class Undone extends Error {
  override readonly name = 'Undone'
}

async function putAll(putting: Putting, document: SettingsDocument): Promise<Puts> {
  const { appConnections = [], fabrics = [] } = document
  const { standing, faults } = putting
  const made = await putEach(faults, '/appConnections', appConnections, (wanted) =>
    putAppConnection(putting, wanted)
  )
  const views = [...made].map(([name, { view }]) => [name, view] as const)
  const connections = new Map([...standing.appConnections, ...views])
  const calledNow = (id: string) => views.find(([, view]) => view.id === id)?.[0]
  const names = {
    ...standing.names,
    appConnection: (id: string) => calledNow(id) ?? standing.names.appConnection(id)
  }
  const withConnections = {
    ...putting,
    standing: { ...standing, appConnections: connections, names }
  }
  return {
    appConnections: made,
    fabrics: await putEach(faults, '/fabrics', fabrics, (wanted) =>
      putFabric(withConnections, wanted)
    )
  }
}

async function putEach<Wanted extends { readonly name: string }, View>(
  faults: Faults,
  list: string,
  all: readonly Wanted[],
  put: (wanted: Wanted) => Promise<Put<View>>
): Promise<Map<string, Put<View>>> {
  const done = new Map<string, Put<View>>()
  const seen = new Set<string>()
  for (const [index, wanted] of all.entries()) {
    const pointer = `${list}/${index}`
    if (seen.has(wanted.name)) faults.add(`${pointer}/name`, 'is called like another one above')
    else {
      const put_ = await faults.catching(pointer, () => put(wanted))
      if (put_ !== null) done.set(wanted.name, put_)
    }
    seen.add(wanted.name)
  }
  return done
}

/** @returns what may not be deleted, and why */
async function prune(
  { scope, rooms, standing }: Putting,
  document: SettingsDocument
): Promise<Notice[]> {
  const kept: Notice[] = []
  const named = (list: readonly { readonly name: string }[] = []) =>
    new Set(list.map(({ name }) => name))
  const [connections, fabrics] = [named(document.appConnections), named(document.fabrics)]
  const tryTo = async (what: string, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (!isOfDocument(error)) throw error
      kept.push({ pointer: '', message: `${what} is kept: it is in use` })
    }
  }
  for (const { id, name } of standing.fabrics.values()) {
    if (fabrics.has(name)) continue
    await tryTo(`The fabric ${name}`, () => rooms.fabrics.remove(scope, id))
  }
  for (const { id, name } of standing.appConnections.values()) {
    if (connections.has(name)) continue
    const remove = () => rooms.appConnections.remove(scope, id, { endSignIns: false })
    await tryTo(`The app connection ${name}`, remove)
  }
  return kept
}
