import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** What one process held at one moment; MiB and counts. */
export interface Sample {
  readonly atMs: number
  readonly rssMiB: number
  /** Live objects and garbage not yet collected. */
  readonly heapMiB: number
  readonly files: number
}

const mebibyte = 1024 * 1024

/** Null while the process can't be asked. Linux tells of open files and memory in /proc. */
export async function takeSample(
  pid: number,
  adminPort: number,
  atMs: number
): Promise<Sample | null> {
  try {
    const [status, files, metrics] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8'),
      readdir(`/proc/${pid}/fd`),
      readMetrics(adminPort)
    ])
    const rssMiB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
    const heapMiB = Number(/^weft_nodejs_heap_size_used_bytes (\S+)/m.exec(metrics)?.[1]) / mebibyte
    return { atMs, rssMiB, heapMiB, files: files.length }
  } catch {
    return null
  }
}

function readMetrics(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/metrics',
      agent: false,
      timeout: 5_000
    })
    sent.once('timeout', () => sent.destroy())
    sent.once('error', reject)
    sent.once('response', (response) => text(response).then(resolve, reject))
    sent.end()
  })
}

/** What is bound to grow: code that is compiled late, caches that fill, pools that stand. */
export const bounds = { heapMiB: 32, rssMiB: 112, files: 24 }
/** On top of them, for each minute between the two ends that are compared. */
export const boundsPerMinute = { heapMiB: 1.5, rssMiB: 4, files: 0 }
type Measure = keyof typeof bounds

export interface Growth {
  readonly measure: Measure
  readonly early: number
  readonly late: number
  readonly allowed: number
}

const warmUpShare = 0.25

/**
 * The low marks of the first and of the last third after the warm-up: memory that is collected late makes
 * the high ones, and what leaks lifts the low ones. Empty where there are too few samples to tell.
 */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const warm = samples.slice(Math.ceil(samples.length * warmUpShare))
  const third = Math.floor(warm.length / 3)
  const [first] = warm
  const last = warm.at(-1)
  if (third < 2 || first === undefined || last === undefined) return []
  const minutes = (last.atMs - first.atMs) / 60_000
  const lowOf = (part: readonly Sample[], measure: Measure) =>
    Math.min(...part.map((sample) => sample[measure]))
  return (['heapMiB', 'rssMiB', 'files'] as const).map((measure) => ({
    measure,
    early: lowOf(warm.slice(0, third), measure),
    late: lowOf(warm.slice(-third), measure),
    allowed: bounds[measure] + boundsPerMinute[measure] * minutes
  }))
}
