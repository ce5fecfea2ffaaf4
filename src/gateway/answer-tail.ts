import type { HeaderPairs } from '../outbound/outbound.ts'
import { decode, isEventStream } from './content-coding.ts'
import { findTokenCounts, type TokenCounts } from './token-counts.ts'

/** Where answers tell what they took: behind everything else. */
const windowBytes = 16 * 1024
/** Small pieces are made one when there are this many of them. */
const piecesMax = 64
/** A packed answer is unpacked from its start or not at all. */
const packedMaxBytes = 32 * 1024
const unpackedMaxBytes = 128 * 1024

/**
 * Keeps the end of an answer while it passes, and reads from it, once it has passed, how many tokens it took.
 * It holds references to at most a window and one piece, and never changes, delays or refuses anything.
 */
export class AnswerTail {
  #pieces: Buffer[] = []
  #bytes = 0
  #isRead = false
  #isEvents = false
  #encoding: string | undefined

  /** A new answer begins; what was kept of another is dropped. */
  begin(status: number, headers: HeaderPairs): void {
    const header = (wanted: string) => headers.find(([name]) => name === wanted)?.[1]
    this.#drop()
    this.#isRead = status >= 200 && status < 300
    this.#isEvents = isEventStream(header('content-type'))
    this.#encoding = header('content-encoding')
  }

  take(piece: Buffer): void {
    if (!this.#isRead) return
    this.#pieces.push(piece)
    this.#bytes += piece.length
    if (this.#encoding !== undefined) {
      this.#isRead = this.#bytes <= packedMaxBytes
      if (!this.#isRead) this.#drop()
      return
    }
    for (;;) {
      const [first] = this.#pieces
      if (first === undefined || this.#bytes - first.length < windowBytes) break
      this.#bytes -= first.length
      this.#pieces.shift()
    }
    if (this.#pieces.length <= piecesMax) return
    const end = this.#joined().subarray(-windowBytes)
    this.#pieces = [end]
    this.#bytes = end.length
  }

  get heldBytes(): number {
    return this.#bytes
  }

  /** Null: the answer does not tell, or not where it was looked for. */
  read(): TokenCounts | null {
    if (!this.#isRead || this.#bytes === 0) return null
    const plain = decode(this.#joined(), this.#encoding, unpackedMaxBytes)
    return plain === null ? null : findTokenCounts(plain.subarray(-windowBytes), this.#isEvents)
  }

  #joined(): Buffer {
    const [first] = this.#pieces
    return this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces)
  }

  #drop(): void {
    this.#pieces = []
    this.#bytes = 0
  }
}
