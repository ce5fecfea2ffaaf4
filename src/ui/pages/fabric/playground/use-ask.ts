import { useCallback, useEffect, useRef, useState } from 'react'
import { askFabric } from '../../../api/client.ts'
import { eventsOf } from '../../../api/events.ts'
import { refusalOf } from '../../../api/fabric-answer.ts'
import type { As } from '../act-as.tsx'
import { textIn } from './answer-text.ts'

export interface Question {
  readonly endpoint: string
  readonly body: string
  readonly as: As
}

export interface Asked {
  readonly status: 'idle' | 'running' | 'done' | 'stopped' | 'failed'
  readonly text: string
  readonly raw: string
  readonly isStream: boolean
  /** Weft's own word for who the workspace was asked as. */
  readonly identity: string | null
  readonly serverTiming: string | null
  readonly httpStatus: number | null
  readonly firstByteMs: number | null
  readonly totalMs: number | null
  readonly error: unknown
}

const idle: Asked = {
  status: 'idle',
  text: '',
  raw: '',
  isStream: false,
  identity: null,
  serverTiming: null,
  httpStatus: null,
  firstByteMs: null,
  totalMs: null,
  error: null
}
/** What is kept of an answer to be shown; the rest is told to be missing. */
export const shownMax = 1_000_000

async function read(response: Response, tell: (change: Partial<Asked>) => void): Promise<void> {
  const isStream = response.headers.get('content-type')?.includes('event-stream') ?? false
  tell({ isStream })
  let raw = ''
  let text = ''
  const keep = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(bytes, controller) {
      if (raw.length < shownMax) raw += decoder.decode(bytes, { stream: true })
      controller.enqueue(bytes)
    }
  })
  const decoder = new TextDecoder()
  const kept = new Response(response.body?.pipeThrough(keep) ?? null)
  if (!isStream) {
    const whole = await kept.text()
    tell({ raw, text: textIn(whole) })
    return
  }
  for await (const { data } of eventsOf(kept)) {
    if (text.length < shownMax) text += textIn(data)
    tell({ text, raw })
  }
  tell({ raw })
}

/** Asks an endpoint through a fabric and tells the answer as it comes. */
export function useAsk(fabricId: string) {
  const [asked, setAsked] = useState(idle)
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  const stop = useCallback(() => running.current?.abort(), [])
  const ask = useCallback(
    async ({ endpoint, body, as }: Question) => {
      running.current?.abort()
      const mine = new AbortController()
      running.current = mine
      const startedAt = performance.now()
      const passed = () => performance.now() - startedAt
      const tell = (change: Partial<Asked>) => {
        if (running.current === mine) setAsked((now) => ({ ...now, ...change }))
      }
      setAsked({ ...idle, status: 'running' })
      try {
        const path = `serving-endpoints/${encodeURIComponent(endpoint)}/invocations`
        const headers = { 'content-type': 'application/json', 'x-weft-act-as': as }
        const init = { method: 'POST', headers, body, signal: mine.signal }
        const response = await askFabric(fabricId, path, init)
        tell({
          firstByteMs: passed(),
          httpStatus: response.status,
          identity: response.headers.get('x-weft-identity'),
          serverTiming: response.headers.get('server-timing')
        })
        if (!response.ok) throw await refusalOf(response)
        await read(response, tell)
        tell({ status: 'done', totalMs: passed() })
      } catch (error) {
        const status = mine.signal.aborted ? 'stopped' : 'failed'
        tell({ status, error: mine.signal.aborted ? null : error, totalMs: passed() })
      }
    },
    [fabricId]
  )
  return { ...asked, ask, stop }
}
