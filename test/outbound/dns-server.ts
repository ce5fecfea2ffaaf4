import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import type { Lookup } from '../../src/outbound/outbound.ts'

export interface DnsServer {
  /** What is answered next for a name, question by question; the last one stays. */
  readonly script: Map<string, string[][]>
  /** Names that were asked for, in order, one entry for each question for A records. */
  readonly asked: string[]
  /** Asks this server over the wire, as a resolver does. */
  readonly lookup: Lookup
  close(): Promise<void>
}

const typeA = 1
const headerBytes = 12

/** A name server on loopback whose answers have a time to live of zero (RFC 1035 §4). */
export async function startDnsServer(): Promise<DnsServer> {
  const script = new Map<string, string[][]>()
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    const { name, type, end } = questionOf(query)
    const turns = type === typeA ? script.get(name) : undefined
    if (type === typeA) asked.push(name)
    const addresses = (turns !== undefined && turns.length > 1 ? turns.shift() : turns?.[0]) ?? []
    socket.send(answerTo(query.subarray(0, end), addresses), peer.port, peer.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const resolver = new Resolver({ timeout: 2_000, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    script,
    asked,
    lookup: async (hostname) => {
      const found = await resolver.resolve4(hostname)
      return found.map((address) => ({ address, family: 4 }))
    },
    close: async () => {
      resolver.cancel()
      socket.close()
      await once(socket, 'close')
    }
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = headerBytes
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** The question said back, and an A record for each address. */
function answerTo(question: Buffer, addresses: readonly string[]): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(0x8180, 2) // an answer, recursion desired and available, no error
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  const records = addresses.map((address) =>
    Buffer.from([0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, ...bytesOf(address)])
  )
  return Buffer.concat([head, ...records])
}

function bytesOf(address: string): number[] {
  return address.split('.').map(Number)
}
