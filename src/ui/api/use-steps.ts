import { useCallback, useEffect, useRef, useState } from 'react'
import type { Input, OperationId } from './client.ts'
import { type Progress, runSteps } from './events.ts'

export interface StepRun<Step, Result> {
  readonly steps: readonly Step[]
  readonly result: Result | null
  readonly error: unknown
  readonly isRunning: boolean
  readonly progress: string | null
}

/** A long action that tells its steps: begun, watched, left by leaving the page or by `stop`. */
export function useSteps<Step, Result, Id extends OperationId = OperationId>(id: Id) {
  const none = { steps: [], result: null, error: null, progress: null }
  const idle: StepRun<Step, Result> = { ...none, isRunning: false }
  const [run, setRun] = useState(idle)
  const running = useRef<AbortController | null>(null)
  const stop = useCallback(() => {
    running.current?.abort()
    setRun((now) => ({ ...now, isRunning: false }))
  }, [])
  useEffect(() => () => running.current?.abort(), [])

  const start = useCallback(
    async (input: Input<Id>): Promise<Result | null> => {
      running.current?.abort()
      const mine = new AbortController()
      running.current = mine
      const update = (change: Partial<StepRun<Step, Result>>) => {
        if (running.current === mine) setRun((now) => ({ ...now, ...change }))
      }
      setRun({ steps: [], result: null, error: null, progress: null, isRunning: true })
      const on = {
        step: (step: Step) => {
          if (running.current !== mine) return
          setRun((now) => ({ ...now, steps: [...now.steps, step], progress: null }))
        },
        progress: ({ detail }: Progress) => update({ progress: detail })
      }
      try {
        const result = await runSteps<Step, Result>(id, input, on, mine.signal)
        update({ result, isRunning: false })
        return result
      } catch (error) {
        update(mine.signal.aborted ? { isRunning: false } : { error, isRunning: false })
        return null
      }
    },
    [id]
  )
  return { ...run, start, stop }
}
