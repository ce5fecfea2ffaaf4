import { ProblemError } from './problem.ts'

/**
 * What the API says is wrong, by the name of the form's field: `/compute/warehouseId` → `compute.warehouseId`.
 * @param names of the form's fields; what belongs to none of them is left to the `ProblemView`
 */
export function formErrors(error: unknown, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(toldOf(error).filter(([name]) => names.includes(name)))
}

/** Whether all that is wrong stands beside the form's fields, so that nothing is left to be shown below. */
export function isAllInForm(error: unknown, names: readonly string[]): boolean {
  const told = toldOf(error)
  return told.length > 0 && told.every(([name]) => names.includes(name))
}

function toldOf(error: unknown): (readonly [name: string, message: string])[] {
  if (!(error instanceof ProblemError)) return []
  return (error.problem.errors ?? []).map(
    ({ pointer, message }) =>
      [
        pointer.slice(1).replaceAll('/', '.'),
        message.charAt(0).toUpperCase() + message.slice(1)
      ] as const
  )
}
