import type { AppConnectionView } from '../app-connections/app-connections.ts'
import type { AppConnectionSettings, ToDo } from './interchange.ts'
import {
  changesOf,
  differencesOf,
  type Put,
  type Putting,
  replacing,
  unlessIdle
} from './putting.ts'
import { settingsOfAppConnection } from './settings-of.ts'

/** Makes or changes the app connection that is called so. */
export async function putAppConnection(
  putting: Putting,
  wanted: AppConnectionSettings
): Promise<Put<AppConnectionView>> {
  const current = putting.standing.appConnections.get(wanted.name)
  const view = await (current === undefined
    ? create(putting, wanted)
    : update(putting, wanted, current))
  return { view, toDo: toDoOf(view, current === undefined), more: [] }
}

async function create(
  { scope, rooms: { appConnections } }: Putting,
  wanted: AppConnectionSettings
): Promise<AppConnectionView> {
  const { isDisabled, accountHost, accountId, clientId, ...rest } = wanted
  const made = await appConnections.create(scope, {
    ...rest,
    provider: 'databricks',
    accountHost: accountHost ?? undefined,
    accountId: accountId ?? undefined,
    clientId: clientId ?? undefined
  })
  if (isDisabled !== true) return made
  return await appConnections.update(scope, made.id, { version: made.version, isDisabled })
}

async function update(
  putting: Putting,
  wanted: AppConnectionSettings,
  current: AppConnectionView
): Promise<AppConnectionView> {
  const { scope, rooms } = putting
  const before = settingsOfAppConnection(current)
  const tokenPolicy = replacing(before.tokenPolicy, wanted.tokenPolicy)
  const { provider: _, name: __, ...patch } = changesOf(before, { ...wanted, tokenPolicy })
  if (Object.keys(patch).length === 0) return current
  const { version } = current
  return await unlessIdle(
    putting,
    current,
    () => rooms.appConnections.update(scope, current.id, { ...patch, version }),
    (view) => differencesOf(before, settingsOfAppConnection(view)).length === 0
  )
}

function toDoOf({ clientId, clientSecrets }: AppConnectionView, isNew: boolean): ToDo[] {
  const toDo: ToDo[] = []
  if (clientSecrets.length === 0) {
    const message = `Set the client secret of ${clientId ?? 'its client, and the client ID'}`
    toDo.push({ code: 'client_secret_to_set', message })
  }
  if (isNew) {
    const message = 'Register its redirect URI at the account: no other app connection has it'
    toDo.push({ code: 'redirect_uri_to_register', message })
  }
  return toDo
}
