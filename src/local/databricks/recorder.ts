import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { createRecorder, type Recorder } from '../simulation/recorder.ts'

/** A recorder whose entries also tell the SHA-256 and the length of each answer's body, as sent. */
export function createWorkspaceRecorder(clock: Clock): Recorder {
  const recorder = createRecorder(clock)
  return {
    ...recorder,
    record(req, res, body) {
      const entry = recorder.record(req, res, body)
      const sent = hashSent(res)
      const told = Object.assign(entry, { answerSha256: null, answerBytes: 0 })
      const tell = () => Object.assign(told, sent())
      res.once('finish', tell)
      res.once('close', tell)
      return told
    }
  }
}

function hashSent(res: ServerResponse) {
  const hash = createHash('sha256')
  let answerBytes = 0
  const see = (chunk: unknown) => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const bytes = Buffer.from(chunk)
    hash.update(bytes)
    answerBytes += bytes.length
  }
  const write = res.write.bind(res)
  const end = res.end.bind(res)
  // Both have overloads that only pass on what came, so their arguments are kept as they are.
  Object.assign(res, {
    write(...given: Parameters<typeof write>) {
      see(given[0])
      return write(...given)
    },
    end(...given: Parameters<typeof end>) {
      see(given[0])
      return end(...given)
    }
  })
  return () => ({
    answerBytes,
    answerSha256: answerBytes === 0 ? null : hash.copy().digest('hex')
  })
}
