import type { HeaderPairs } from '../outbound/outbound.ts'
import { decode, isEventStream } from './content-coding.ts'
import { findTokenCounts, type TokenCounts } from './token-counts.ts'

/** Where answers tell what they took: behind everything else. */
const windowBytes = 16 * 1024
/** Room for a window and what may come before it is moved to the front. */
const roomBytes = 24 * 1024
const firstRoomBytes = 512
/** A packed answer is unpacked from its start or not at all. */
const packedMaxBytes = 32 * 1024
const unpackedMaxBytes = 128 * 1024

/**
 * Keeps the end of an answer while it passes, and reads from it, once it has passed, how many tokens it took.
 * Of small pieces it holds a copy, since each is memory of its own that a stream would keep for as long as it is open;
 * of large ones the last. It never changes, delays or refuses anything.
 */
export class AnswerTail {
  /** A piece that is a window and more; what came before it is not needed. */
  #large: Buffer | null = null
  #room = Buffer.alloc(0)
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
    if (this.#encoding !== undefined) {
      this.#isRead = this.#bytes + piece.length <= packedMaxBytes
      if (this.#isRead) this.#append(piece, packedMaxBytes)
      else this.#drop()
    } else if (piece.length >= windowBytes) {
      this.#large = piece
      this.#bytes = 0
    } else {
      const large = this.#large
      this.#large = null
      if (large !== null) this.#append(large.subarray(-windowBytes), roomBytes)
      this.#append(piece, roomBytes)
    }
  }

  get heldBytes(): number {
    return this.#large?.length ?? this.#bytes
  }

  /** Null: the answer does not tell, or not where it was looked for. */
  read(): TokenCounts | null {
    const bytes = this.#large ?? this.#room.subarray(0, this.#bytes)
    if (!this.#isRead || bytes.length === 0) return null
    const plain = decode(bytes, this.#encoding, unpackedMaxBytes)
    return plain === null ? null : findTokenCounts(plain.subarray(-windowBytes), this.#isEvents)
  }

  /** @param max more than a window, or than all there is to come */
  #append(piece: Buffer, max: number): void {
    if (this.#bytes + piece.length > max) {
      const start = this.#bytes - (windowBytes - piece.length)
      this.#room.copyWithin(0, start, this.#bytes)
      this.#bytes -= start
    }
    const bytes = this.#bytes + piece.length
    if (bytes > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(Math.min(max, Math.max(firstRoomBytes, bytes * 2)))
      this.#room.copy(room, 0, 0, this.#bytes)
      this.#room = room
    }
    piece.copy(this.#room, this.#bytes)
    this.#bytes = bytes
  }

  #drop(): void {
    this.#large = null
    this.#room = Buffer.alloc(0)
    this.#bytes = 0
  }
}
