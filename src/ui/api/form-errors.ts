import { ProblemError } from './problem.ts'

/**
 * What the API says is wrong, by the name of the form's field: `/compute/warehouseId` → `compute.warehouseId`.
 * @param names of the form's fields; what belongs to none of them is left to the `ProblemView`
 */
export function formErrors(error: unknown, names: readonly string[]): Record<string, string> {
  if (!(error instanceof ProblemError)) return {}
  const told = (error.problem.errors ?? []).map(
    ({ pointer, message }) => [pointer.slice(1).replaceAll('/', '.'), message] as const
  )
  return Object.fromEntries(told.filter(([name]) => names.includes(name)))
}
