import { writeSync } from 'node:fs'

/** What pino writes to. */
export interface LogLines {
  write(line: string): void
  /** Of the line that comes next: pino says it where `pino.metadata` asks for it. */
  lastLevel: number
  /** For the end of the process, when nothing can be waited for any more. */
  end(): void
}

/** A line waits for others no longer than this, and so much of the log may a `kill -9` lose. */
const gatherMs = 100
/** Characters that wait for no more of them. */
const gatheredMax = 16_384
/** Of pino: lines of this level and above wait for nothing. */
const errorLevel = 50
/** How long the end of the process waits for a reader that takes nothing. */
const [endTurns, endTurnMs] = [200, 10]

/**
 * Lines leave together, in their order: by itself, each would cost its write to the pipe, which is more than the
 * line. A reader that is slow holds nobody up: what its pipe does not take waits here.
 * @param fd a pipe that is not waited for (`process.stdout.fd`), or a file
 */
export function createLogLines(fd: number): LogLines {
  let gathered = ''
  let leaving = Buffer.alloc(0)
  let isPlanned = false
  /** The pipe takes no more for the moment; or nobody reads it any more. */
  let [isFull, isClosed] = [false, false]

  function writeSome(): void {
    if (leaving.length === 0) {
      leaving = Buffer.from(gathered)
      gathered = ''
    }
    leaving = leaving.subarray(writeSync(fd, leaving))
  }

  function flush(): void {
    isFull = false
    try {
      while (leaving.length > 0 || gathered !== '') writeSome()
    } catch (error) {
      const { code } = error as { code?: unknown } // writeSync throws a system error
      if (code === 'EAGAIN') isFull = true
      else if (code === 'EPIPE') isClosed = true
      else throw error
    }
    if (isFull) flushLater()
  }

  function flushLater(): void {
    if (isPlanned) return
    isPlanned = true
    setTimeout(() => {
      isPlanned = false
      flush()
    }, gatherMs).unref()
  }

  const lines: LogLines = {
    lastLevel: 0,
    write(line) {
      if (isClosed) return
      gathered += line
      const isUrgent = lines.lastLevel >= errorLevel || gathered.length >= gatheredMax
      if (isUrgent && !isFull) flush()
      else flushLater()
    },
    end() {
      const pause = new Int32Array(new SharedArrayBuffer(4))
      let left = Number.POSITIVE_INFINITY
      for (let turn = 0; turn < endTurns && !isClosed; turn += 1) {
        flush()
        const now = leaving.length + gathered.length
        if (now === 0) return
        if (now < left) turn = 0
        left = now
        Atomics.wait(pause, 0, 0, endTurnMs)
      }
    }
  }
  return Object.assign(lines, { [Symbol.for('pino.metadata')]: true })
}
