import { connect, type Socket } from 'node:net'

/** The whole answer is in: null, or what is wrong with it. */
type OnAnswer = (fault: string | null) => void

export interface RawConnection {
  /** One question at a time. */
  ask(request: Buffer, onAnswer: OnAnswer): void
  close(): void
}

const headEnd = Buffer.from('\r\n\r\n')
const lastChunk = '0\r\n\r\n'

/**
 * HTTP/1.1 by hand, for answers of known kinds only: a client that costs little leaves the machine to what
 * is measured.
 * @param expectedBytes of an answer's body, held against its content-length
 */
export function openConnection(port: number, expectedBytes: number): RawConnection {
  const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true })
  let waiting: OnAnswer | null = null
  let head: Buffer | null = null
  /** Null while the head is not whole. */
  let left: number | null = null
  let isChunked = false
  let tail = ''
  let fault: string | null = null

  function settle(): void {
    const onAnswer = waiting
    waiting = null
    head = null
    left = null
    onAnswer?.(fault)
  }

  /** @returns how much of `data` was the head; null: it goes on */
  function readHead(data: Buffer): number | null {
    const all = head === null ? data : Buffer.concat([head, data])
    const at = all.indexOf(headEnd)
    if (at < 0) {
      head = all
      return null
    }
    const text = all.toString('latin1', 0, at)
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    isChunked = length === undefined
    left = Number(length ?? 0)
    tail = ''
    const status = text.slice(9, 12)
    if (status !== '200') fault = `status ${text.slice(9).replaceAll(/\r\n/g, ' ').slice(0, 400)}`
    else if (!isChunked && left !== expectedBytes) fault = `${left} bytes, not ${expectedBytes}`
    return at + headEnd.length - (all.length - data.length)
  }

  function take(data: Buffer): void {
    if (left === null) {
      const from = readHead(data)
      if (from === null) return
      takeBody(data, from)
    } else takeBody(data, 0)
  }

  function takeBody(data: Buffer, from: number): void {
    if (isChunked) {
      tail = (tail + data.toString('latin1', Math.max(from, data.length - 5))).slice(-5)
      if (tail === lastChunk) settle()
      return
    }
    left = (left ?? 0) - (data.length - from)
    if (left <= 0) settle()
  }

  function fail(why: string): void {
    fault ??= why
    settle()
  }

  socket.on('data', take)
  socket.on('error', ({ message }) => fail(message))
  socket.on('close', () => fail('the connection was closed'))
  return {
    ask(request, onAnswer) {
      waiting = onAnswer
      if (socket.destroyed) return fail('the connection was closed')
      socket.write(request)
    },
    close() {
      waiting = null
      socket.destroy()
    }
  }
}
