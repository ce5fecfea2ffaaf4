import type { UseFormReturnType } from '@mantine/form'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { formErrors } from '../../api/form-errors.ts'
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

/** A form that follows what is saved as long as nobody has typed into it. */
export function useFollowing<Values extends object>(
  form: UseFormReturnType<Values>,
  saved: Values
): void {
  const text = JSON.stringify(saved)
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another content of `saved` counts
  useEffect(() => {
    if (form.isDirty()) return
    form.setValues(saved)
    form.resetDirty(saved)
  }, [text])
}

/** Takes over what was saved, and forgets the secret that was typed. */
export function settle<Values extends object>(
  form: UseFormReturnType<Values>,
  values: Values
): void {
  form.setValues(values)
  form.resetDirty(values)
}

/** What the API says is wrong goes beside its field; all else is shown by who called. */
export function tellForm<Values extends object>(
  form: UseFormReturnType<Values>,
  error: unknown
): void {
  form.setErrors(formErrors(error, Object.keys(form.getValues())))
}
