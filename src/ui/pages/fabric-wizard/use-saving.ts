import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { isCode } from '../../api/problem.ts'
import { queryOf, useCall } from '../../api/queries.ts'
import { type Fabric, type Form, fieldErrors, patchOf, valuesOf } from './values.ts'

/** Saves what was typed and is not saved yet, on the version that was read when the typing began. */
export function useSaving(fabric: Fabric, form: Form) {
  const queries = useQueryClient()
  const path = { fabricId: fabric.id }
  const update = useCall('fabricUpdate', ['fabricGet', 'fabricList', 'capabilityList'])
  const [base, setBase] = useState(fabric)
  const [theirs, setTheirs] = useState<Fabric | null>(null)

  const standOn = (saved: Fabric) => {
    setBase(saved)
    setTheirs(null)
    form.setValues(valuesOf(saved))
    form.clearErrors()
  }
  /** @returns whether all is saved */
  const save = async (on: Fabric = base): Promise<boolean> => {
    const patch = patchOf(form.getValues(), base)
    if (Object.keys(patch).length === 0) return true
    try {
      standOn(await update.mutateAsync({ path, body: { ...patch, version: on.version } }))
      return true
    } catch (err) {
      form.setErrors(fieldErrors(err))
      if (isCode(err, 'version_conflict')) {
        setTheirs(await queries.fetchQuery({ ...queryOf('fabricGet', { path }), staleTime: 0 }))
      }
      return false
    }
  }
  const takeTheirs = () => {
    if (theirs !== null) standOn(theirs)
    update.reset()
  }
  return { base, save, theirs, takeTheirs, error: update.error, isSaving: update.isPending }
}
