import type { UseFormReturnType } from '@mantine/form'
import { useEffect } from 'react'
import { formErrors } from '../api/form-errors.ts'

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
