/** Thrift's strict binary protocol: as much of it as a request needs to be read and an answer to be written. */

/** A value as it was read; structs by field id, of maps nothing is kept. */
export type Read = boolean | number | bigint | Buffer | Struct | readonly Read[] | null
export type Struct = ReadonlyMap<number, Read>

export interface Message {
  readonly name: string
  readonly sequence: number
  readonly arguments: Struct
}

const types = { bool: 2, byte: 3, double: 4, i16: 6, i32: 8, i64: 10, text: 11 } as const
const containers = { struct: 12, map: 13, set: 14, list: 15 } as const

const version = 0x8001_0000
const call = 1
const reply = 2

/** undefined for bytes that are no call of this protocol. */
export function readMessage(bytes: Buffer): Message | undefined {
  const reader = createReader(bytes)
  try {
    const head = reader.i32() >>> 0
    if (head !== (version | call) >>> 0) return undefined
    const name = reader.binary().toString('utf8')
    const sequence = reader.i32()
    return { name, sequence, arguments: reader.struct() }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function createReader(bytes: Buffer) {
  let at = 0
  const skip = (length: number) => {
    if (length < 0 || at + length > bytes.length) throw new RangeError('beyond the end')
    at += length
    return at - length
  }
  const i32 = () => bytes.readInt32BE(skip(4))
  const binary = () => {
    const length = i32()
    const from = skip(length)
    return bytes.subarray(from, from + length)
  }
  const struct = (): Struct => {
    const fields = new Map<number, Read>()
    for (let type = bytes.readInt8(skip(1)); type !== 0; type = bytes.readInt8(skip(1))) {
      const id = bytes.readInt16BE(skip(2))
      fields.set(id, value(type))
    }
    return fields
  }
  const list = (): Read[] => {
    const type = bytes.readInt8(skip(1))
    return Array.from({ length: i32() }, () => value(type))
  }
  const map = (): null => {
    const [keyType, valueType] = [bytes.readInt8(skip(1)), bytes.readInt8(skip(1))]
    for (let left = i32(); left > 0; left--) {
      value(keyType)
      value(valueType)
    }
    return null
  }
  const value = (type: number): Read => {
    switch (type) {
      case types.bool:
        return bytes.readInt8(skip(1)) !== 0
      case types.byte:
        return bytes.readInt8(skip(1))
      case types.double:
        return bytes.readDoubleBE(skip(8))
      case types.i16:
        return bytes.readInt16BE(skip(2))
      case types.i32:
        return i32()
      case types.i64:
        return bytes.readBigInt64BE(skip(8))
      case types.text:
        return binary()
      case containers.struct:
        return struct()
      case containers.map:
        return map()
      case containers.set:
      case containers.list:
        return list()
      default:
        throw new RangeError(`no such type: ${type}`)
    }
  }
  return { i32, binary, struct }
}

/** A value to be written, with its type. */
export interface Written {
  readonly type: number
  readonly bytes: Buffer
}

export function bool(value: boolean): Written {
  return { type: types.bool, bytes: Buffer.from([value ? 1 : 0]) }
}

export function i32(value: number): Written {
  return { type: types.i32, bytes: int32(value) }
}

export function i64(value: bigint): Written {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return { type: types.i64, bytes }
}

export function text(value: string | Buffer): Written {
  const bytes = Buffer.from(value)
  return { type: types.text, bytes: Buffer.concat([int32(bytes.length), bytes]) }
}

/** Fields by id; those without a value are left out. */
export function struct(fields: Readonly<Record<number, Written | undefined>>): Written {
  const parts: Buffer[] = []
  for (const [id, field] of Object.entries(fields)) {
    if (!field) continue
    const head = Buffer.alloc(3)
    head.writeInt8(field.type)
    head.writeInt16BE(Number(id), 1)
    parts.push(head, field.bytes)
  }
  return { type: containers.struct, bytes: Buffer.concat([...parts, Buffer.from([0])]) }
}

/** @param like the type of the items, which an empty list names too */
export function list(like: 'bool' | 'i32' | 'i64' | 'text' | 'struct', items: readonly Written[]) {
  const type = like === 'struct' ? containers.struct : types[like]
  const head = Buffer.concat([Buffer.from([type]), int32(items.length)])
  const bytes = Buffer.concat([head, ...items.map((item) => item.bytes)])
  return { type: containers.list, bytes } satisfies Written
}

/** The answer to a call; `result` is what the method returns. */
export function replyMessage({ name, sequence }: Message, result: Written): Buffer {
  const head = [int32(version | reply | 0), text(name).bytes, int32(sequence)]
  return Buffer.concat([...head, struct({ 0: result }).bytes])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
