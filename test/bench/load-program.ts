import { type Child, startProgram } from './children.ts'
import type { Job, Outcome } from './traffic.ts'

export type LoadProgram = Child & { readonly port: number }

export function startLoad(): Promise<LoadProgram> {
  return startProgram('load.ts', 'rest')
}

/** One job at a time. @throws TypeError its process ended */
export function tell({ process: child }: LoadProgram, job: Job): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onEnd = () => reject(new TypeError('the load ended'))
    child.once('close', onEnd)
    child.once('message', (outcome) => {
      child.off('close', onEnd)
      resolve(outcome as Outcome) // what load.ts sends
    })
    child.send(job)
  })
}
