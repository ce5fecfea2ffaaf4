import { AppError, type InputFault } from '../base/errors.ts'
import { type AppConnectionId, asId, type TeamId } from '../base/ids.ts'
import type { FabricView } from '../fabrics/fabrics.ts'
import type { ServicePrincipalInput } from '../fabrics/service-principal.ts'
import { isOfDocument } from './faults.ts'
import type { FabricSettings, SettingChange, ToDo } from './interchange.ts'
import {
  changesOf,
  differencesOf,
  type Put,
  type Putting,
  replacing,
  unlessIdle
} from './putting.ts'
import { settingsOfFabric } from './settings-of.ts'
import type { Standing } from './standing.ts'

/** What the names in a document stand for; undefined: it names none. */
interface Named {
  readonly teamId: TeamId | undefined
  readonly appConnectionId: AppConnectionId | null | undefined
}

/** Makes or changes the fabric that is called so; `standing` has the document's app connections already. */
export async function putFabric(
  putting: Putting,
  wanted: FabricSettings
): Promise<Put<FabricView>> {
  const current = putting.standing.fabrics.get(wanted.name)
  const faults = [...faultsOf(wanted, current), ...unknownNames(putting, wanted)]
  if (faults.length > 0) throw new AppError('invalid_request', { errors: faults })
  const named = namedBy(putting.standing, wanted)
  let view =
    current === undefined
      ? await create(putting, wanted, named)
      : await update(putting, wanted, named, current)
  const toDo: ToDo[] = []
  if (wanted.status === 'complete' && view.status === 'draft') {
    try {
      view = await putting.rooms.fabrics.complete(putting.scope, view.id)
    } catch (error) {
      if (!isOfDocument(error)) throw error
      toDo.push({ code: 'to_complete', message: `Complete it then: ${error.message}` })
    }
  }
  return { view, toDo: [...principalToDo(wanted, view), ...toDo], more: newSecret(wanted, current) }
}

/** What a new fabric must have, and what one that stands keeps for life. */
function faultsOf(wanted: FabricSettings, current: FabricView | undefined): InputFault[] {
  if (current === undefined) {
    return (['team', 'kind', 'workspaceUrl'] as const)
      .filter((member) => wanted[member] === undefined)
      .map((member) => ({
        pointer: `/${member}`,
        message: 'is required: there is no fabric of this name yet'
      }))
  }
  const kept = (['kind', 'authMethod'] as const)
    .filter((member) => wanted[member] !== undefined && wanted[member] !== current[member])
    .map((member) => ({
      pointer: `/${member}`,
      message: `cannot be changed: it is ${current[member]}`
    }))
  const isReopened = wanted.status === 'draft' && current.status === 'complete'
  if (!isReopened) return kept
  return [...kept, { pointer: '/status', message: 'a complete fabric is no draft again' }]
}

function unknownNames({ standing, announced }: Putting, wanted: FabricSettings): InputFault[] {
  const { teams, appConnections } = standing
  const faults: InputFault[] = []
  const { team, appConnection } = wanted
  const called = teams.filter(({ name }) => name === team)
  if (called.length > 1) {
    const ids = called.map(({ id }) => id).join(', ')
    faults.push({ pointer: '/team', message: `several are called so: name one by its id, ${ids}` })
  }
  if (team !== undefined && called.length === 0 && !teams.some(({ id }) => id === team)) {
    faults.push({ pointer: '/team', message: 'no such team' })
  }
  const isKnown = (name: string) => appConnections.has(name) || announced.has(name)
  if (typeof appConnection === 'string' && !isKnown(appConnection)) {
    faults.push({ pointer: '/appConnection', message: 'no such app connection' })
  }
  return faults
}

function namedBy({ teams, appConnections }: Standing, wanted: FabricSettings): Named {
  const { team, appConnection } = wanted
  const found = teams.find(({ name }) => name === team) ?? teams.find(({ id }) => id === team)
  return {
    teamId: found === undefined ? undefined : asId('team', found.id),
    appConnectionId:
      typeof appConnection === 'string' ? appConnections.get(appConnection)?.id : appConnection
  }
}

async function create(
  { scope, rooms }: Putting,
  wanted: FabricSettings,
  { teamId, appConnectionId }: Named
): Promise<FabricView> {
  const { team: _, appConnection: __, status: ___, kind, endpointAllowList, ...rest } = wanted
  if (kind === undefined || teamId === undefined) throw new AppError('internal')
  return await rooms.fabrics.create(scope, {
    ...rest,
    kind,
    teamId,
    provider: 'databricks',
    authMethod: wanted.authMethod ?? 'oauth',
    appConnectionId: appConnectionId ?? undefined,
    endpointAllowList: endpointAllowList ?? undefined,
    servicePrincipal: principalOf(wanted)
  })
}

async function update(
  putting: Putting,
  wanted: FabricSettings,
  { teamId, appConnectionId }: Named,
  current: FabricView
): Promise<FabricView> {
  const { scope, rooms, standing } = putting
  const { fabrics } = rooms
  const before = settingsOfFabric(current, standing.names)
  const principal = wanted.servicePrincipal === null ? null : principalOf(wanted)
  const { name: _, kind: __, provider: ___, authMethod: ____, ...settings } = wanted
  const { team, appConnection, status, servicePrincipal, ...patch } = changesOf(before, {
    ...settings,
    team: teamId && standing.names.team(teamId),
    compute: replacing(before.compute, wanted.compute),
    deadlines: replacing(before.deadlines, wanted.deadlines)
  })
  const isMoved = team !== undefined && teamId !== undefined
  const isLeftBehind = isMoved || patch.workspaceUrl !== undefined
  const isOther = servicePrincipal !== undefined || (principal?.federated && isLeftBehind)
  const changes = {
    ...patch,
    ...(appConnection !== undefined && { appConnectionId }),
    ...(isOther && principal !== undefined && { servicePrincipal: principal })
  }
  if (!isMoved && Object.keys(changes).length === 0) return current

  const work = async () => {
    const { id, version } = current
    const moved = isMoved
      ? (await fabrics.transfer(scope, id, { teamId, version })).fabric
      : current
    if (Object.keys(changes).length === 0) return moved
    return await fabrics.update(scope, id, { ...changes, version: moved.version })
  }
  const isIdle = (view: FabricView) =>
    !bringsSecret(wanted) &&
    differencesOf(before, settingsOfFabric(view, standing.names)).length === 0
  return await unlessIdle(putting, current, work, isIdle)
}

/** With its secret, or without one for good; undefined: the secret it needs did not come along. */
function principalOf({ servicePrincipal }: FabricSettings): ServicePrincipalInput | undefined {
  if (!servicePrincipal) return undefined
  const { clientId, clientSecret, federated } = servicePrincipal
  if (federated) return { clientId, federated }
  return clientSecret && { clientId, clientSecret }
}

function principalToDo({ servicePrincipal }: FabricSettings, view: FabricView): ToDo[] {
  if (!servicePrincipal) return []
  const { clientId, federated = false } = servicePrincipal
  const current = view.servicePrincipal
  if (clientId === current?.clientId && federated === current.federated) return []
  const message = `Set the service principal ${clientId} with its secret`
  return [{ code: 'service_principal_secret_to_set', message }]
}

function bringsSecret({ servicePrincipal }: FabricSettings): boolean {
  return servicePrincipal?.clientSecret !== undefined
}

function newSecret(wanted: FabricSettings, current: FabricView | undefined): SettingChange[] {
  if (!bringsSecret(wanted)) return []
  const from = current?.servicePrincipal?.clientSecret ? 'set' : null
  return [{ member: 'servicePrincipal/clientSecret', from, to: 'set anew' }]
}
