import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'

/** One request as the log shows it; no secret is ever in it. */
export interface LogEntry {
  readonly at: string
  readonly method: string
  /** Without the query, which may carry codes. */
  readonly path: string
  /** null while the answer is under way. */
  status: number | null
  grantType: string | null
  clientId: string | null
  /** One per sign-in: the tokens that come from it, rotated ones included. */
  familyId: string | null
  /** The `jti` of the access token that was issued or presented. */
  tokenId: string | null
  /** userName of whom the token stands for. */
  principal: string | null
  bodySha256: string | null
  /** The client left before the answer had ended. */
  aborted: boolean
}

export interface Recorder {
  /** Begins an entry that completes itself when the answer ends or the client leaves. */
  record(req: IncomingMessage, res: ServerResponse, body: Buffer): LogEntry
  entriesSince(since: Date | undefined): readonly LogEntry[]
  /** Marks an answer that the simulator itself will cut, so that it does not count as the client's leaving. */
  cutOnPurpose(res: ServerResponse): void
}

const entriesMax = 200_000

export function createRecorder(clock: Clock): Recorder {
  let entries: LogEntry[] = []
  const cut = new WeakSet<ServerResponse>()
  return {
    record(req, res, body) {
      const entry: LogEntry = {
        at: clock.now().toISOString(),
        method: req.method ?? 'GET',
        path: (req.url ?? '/').split('?')[0] ?? '/',
        status: null,
        grantType: null,
        clientId: null,
        familyId: null,
        tokenId: null,
        principal: null,
        bodySha256: body.length === 0 ? null : createHash('sha256').update(body).digest('hex'),
        aborted: false
      }
      entries.push(entry)
      if (entries.length > entriesMax) entries = entries.slice(-entriesMax / 2)
      const end = () => {
        const isLeft = !res.writableFinished && !cut.has(res)
        entry.aborted = isLeft
        entry.status = isLeft && !res.headersSent ? null : res.statusCode
      }
      res.once('finish', end)
      res.once('close', end)
      return entry
    },
    entriesSince(since) {
      if (since === undefined) return entries
      const from = since.toISOString()
      return entries.filter((entry) => entry.at >= from)
    },
    cutOnPurpose(res) {
      cut.add(res)
    }
  }
}
