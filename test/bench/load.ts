/** A program: the load, in a process of its own. Each message is a job; the answer is its outcome. */
import { runClosed, runOpen, runWalk } from './calls.ts'
import { holdStreams, releaseStreams } from './held-streams.ts'
import { runStreams } from './streams.ts'
import type { Job, Outcome } from './traffic.ts'

function run(job: Job): Promise<Outcome> {
  if (job.kind === 'closed') return runClosed(job)
  if (job.kind === 'open') return runOpen(job)
  if (job.kind === 'walk') return runWalk(job)
  if (job.kind === 'hold') return holdStreams(job)
  if (job.kind === 'release') return releaseStreams()
  return runStreams(job)
}

process.on('message', (message) => {
  const job = message as Job // nobody but the bench sends here
  void run(job).then((outcome) => process.send?.(outcome))
})
process.once('disconnect', () => process.exit())
process.send?.({ port: 0 })
