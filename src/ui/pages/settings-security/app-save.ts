import { useQueryClient } from '@tanstack/react-query'
import { isCode } from '../../api/problem.ts'
import { useCall } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { toast } from '../../parts/toast.ts'
import { type App, appsChanged } from './app-status.tsx'

type Changes = Omit<Schemas['AppConnectionPatch'], 'version'>

/** Saves on top of the version that is shown; where somebody was first, what they saved is asked for. */
export function useAppSave(app: App) {
  const queries = useQueryClient()
  const update = useCall('appConnectionUpdate', appsChanged)
  const save = async (changes: Changes): Promise<App | null> => {
    try {
      const input = {
        path: { appConnectionId: app.id },
        body: { ...changes, version: app.version }
      }
      const saved = await update.mutateAsync(input)
      toast('Saved. It holds at once')
      return saved
    } catch (error) {
      if (!isCode(error, 'version_conflict')) throw error
      await queries.invalidateQueries({ queryKey: ['appConnectionList'] })
      return null
    }
  }
  return { ...update, save }
}
