import type { AppConnectionView } from '../app-connections/app-connections.ts'
import type { FabricView } from '../fabrics/fabrics.ts'
import type { ImportedResource, ImportResult, SettingsDocument } from './interchange.ts'
import { differencesOf, type Put } from './putting.ts'
import { settingsOfAppConnection, settingsOfFabric } from './settings-of.ts'
import type { Standing } from './standing.ts'

/** What was put in place, by name. */
export interface Puts {
  readonly appConnections: ReadonlyMap<string, Put<AppConnectionView>>
  readonly fabrics: ReadonlyMap<string, Put<FabricView>>
}

interface Import {
  readonly document: SettingsDocument
  readonly puts: Puts
  readonly before: Standing
  readonly after: Standing
  readonly prunes: boolean
}

/** Told from what stood before and what stands after, and so whatever the rooms made of it. */
export function resourcesOf({ document, puts, before, after, prunes }: Import): ImportedResource[] {
  return [
    ...listOf({
      kind: 'app_connection',
      named: document.appConnections ?? [],
      puts: puts.appConnections,
      before: before.appConnections,
      after: after.appConnections,
      settingsOf: settingsOfAppConnection,
      prunes
    }),
    ...listOf({
      kind: 'fabric',
      named: document.fabrics ?? [],
      puts: puts.fabrics,
      before: before.fabrics,
      after: after.fabrics,
      settingsOf: (view: FabricView, { names }: Standing) => settingsOfFabric(view, names),
      prunes
    })
  ]

  function listOf<View extends AppConnectionView | FabricView>(list: List<View>) {
    const named = new Set(list.named.map(({ name }) => name))
    const others = [...list.before.keys()].filter((name) => !named.has(name))
    return [
      ...[...named].map((name) => resourceOf(list, name)),
      // Such as the default that stepped back for another one.
      ...others.map((name) => resourceOf(list, name)).filter(({ action }) => action !== 'unchanged')
    ]
  }

  function resourceOf<View extends AppConnectionView | FabricView>(
    {
      kind,
      named,
      puts: done,
      before: stood,
      after: stands,
      settingsOf,
      prunes: isPruned
    }: List<View>,
    name: string
  ): ImportedResource {
    const [old, view] = [stood.get(name), stands.get(name)]
    const put = done.get(name)
    if (view === undefined) {
      return { kind, name, id: old?.id ?? null, action: 'delete', changes: [], toDo: [] }
    }
    const standing = old === undefined ? {} : settingsOf(old, before)
    const changes = [...differencesOf(standing, settingsOf(view, after)), ...(put?.more ?? [])]
    const isNamed = named.some((one) => one.name === name)
    const changed = changes.length > 0 ? 'update' : isPruned && !isNamed ? 'keep' : 'unchanged'
    const action = old === undefined ? 'create' : changed
    return { kind, name, id: view.id, action, changes, toDo: put?.toDo ?? [] }
  }
}

interface List<View> {
  readonly kind: ImportedResource['kind']
  readonly named: readonly { readonly name: string }[]
  readonly puts: ReadonlyMap<string, Put<View>>
  readonly before: ReadonlyMap<string, View>
  readonly after: ReadonlyMap<string, View>
  readonly settingsOf: (view: View, standing: Standing) => object
  readonly prunes: boolean
}

export function countsOf(resources: readonly ImportedResource[]): ImportResult['counts'] {
  const counts = { create: 0, update: 0, unchanged: 0, delete: 0, keep: 0 }
  for (const { action } of resources) counts[action] += 1
  return counts
}

/** Of a dry run: nobody will ever have this id. */
export function withoutNewId(resource: ImportedResource): ImportedResource {
  return resource.action === 'create' ? { ...resource, id: null } : resource
}
