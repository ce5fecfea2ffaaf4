import { useMemo } from 'react'
import { useList } from '../../api/queries.ts'
import type { Names } from './words.ts'

/** The people, services and fabrics of the organisation. */
export function useNames() {
  const people = useList('memberList', {})
  const services = useList('serviceAccountList', {})
  const fabrics = useList('fabricList', {})
  const isPending = people.isPending || services.isPending || fabrics.isPending
  const names: Names = useMemo(
    () =>
      new Map(
        [...people.items, ...services.items, ...fabrics.items].map(({ id, name }) => [id, name])
      ),
    [people.items, services.items, fabrics.items]
  )
  const actors = [...people.items, ...services.items]
  return { isPending, names, actors, fabrics: fabrics.items }
}
