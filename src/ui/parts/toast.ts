import { notifications } from '@mantine/notifications'
import { toProblem } from '../api/problem.ts'

const closeButtonProps = { 'aria-label': 'Close this message' }

/** Says in passing that something was done. */
export function toast(message: string): void {
  notifications.show({
    message,
    color: 'teal',
    autoClose: 4_000,
    withBorder: true,
    closeButtonProps
  })
}

/** Says in passing that something failed, where there is no better place for a `ProblemView`. */
export function toastProblem(error: unknown): void {
  const { problem, requestId } = toProblem(error)
  const words = problem.detail ?? ''
  notifications.show({
    title: problem.title,
    message: requestId ? `${words} Request ${requestId}.` : words,
    color: 'red',
    autoClose: 12_000,
    withBorder: true,
    closeButtonProps
  })
}

/** Says in passing how something went, also where the row that began it is gone by then. */
export async function tell(done: Promise<unknown>, message: string): Promise<void> {
  try {
    await done
    toast(message)
  } catch (err) {
    toastProblem(err)
  }
}
