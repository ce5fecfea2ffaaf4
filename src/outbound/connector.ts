import { once } from 'node:events'
import { isIP, type LookupFunction, connect as netConnect, type Socket } from 'node:net'
import {
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
  connect as tlsConnect
} from 'node:tls'
import type { buildConnector } from 'undici'
import { AppError } from '../base/errors.ts'
import {
  type Address,
  codeOf,
  isSameAddress,
  type Lookup,
  resolveChecked
} from './address-guard.ts'

/** Name look-up, TCP and TLS together. */
const openDeadlineMs = 10_000
/** How long one address is tried before the next one, as RFC 8305 has it. */
const nextAddressMs = 500

export interface Target {
  readonly protocol: string
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  /** The operator named this origin. */
  readonly isTrusted: boolean
}

export interface Dialler {
  /** @throws AppError `dns_failed`, `host_not_allowed` */
  resolve(target: Target): Promise<readonly Address[]>
  /**
   * A connection to a checked address: resolved, checked, connected, checked again, then secured.
   * @throws AppError `dns_failed`, `host_not_allowed`, `workspace_unreachable`, `tls_failed`
   */
  open(target: Target): Promise<Socket>
  /** The same in the form that an undici pool asks for. */
  connector(isTrusted: boolean): buildConnector.connector
}

/** @param ca certificates in PEM form, trusted beside the machine's own */
export function createDialler(lookupOne: Lookup, ca: string | undefined): Dialler {
  const lookup = joined(lookupOne)
  const secureContext = createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] })
  })

  async function resolve(target: Target): Promise<readonly Address[]> {
    const deadline = AbortSignal.timeout(openDeadlineMs)
    return until(deadline, resolveChecked(target.hostname, target.isTrusted, lookup))
  }

  async function open(target: Target): Promise<Socket> {
    const deadline = AbortSignal.timeout(openDeadlineMs)
    const resolving = resolveChecked(target.hostname, target.isTrusted, lookup)
    const addresses = await until(deadline, resolving)
    const socket = await connectTo(addresses, target, deadline)
    if (target.protocol === 'http:') return socket
    return secure(socket, target, secureContext, deadline)
  }

  function connector(isTrusted: boolean): buildConnector.connector {
    return ({ protocol, hostname, port }, callback) => {
      const target = { protocol, hostname, port: portOf(protocol, port), isTrusted }
      void open(target).then(
        (socket) => callback(null, socket),
        (err: unknown) => callback(err instanceof AppError ? err : unreachable(err), null)
      )
    }
  }

  return { resolve, open, connector }
}

/**
 * Callers at the same moment share one look-up: a name whose resolver hangs then holds one thread of libuv's
 * few, and other hosts' names are still found.
 */
function joined(lookup: Lookup): Lookup {
  const running = new Map<string, ReturnType<Lookup>>()
  return (hostname) => {
    const known = running.get(hostname)
    if (known !== undefined) return known
    const looking = lookup(hostname).finally(() => running.delete(hostname))
    running.set(hostname, looking)
    return looking
  }
}

/** The port of a URL, whose default port is written as nothing. */
export function portOf(protocol: string, port: string): number {
  if (port !== '') return Number(port)
  return protocol === 'http:' ? 80 : 443
}

async function until<T>(deadline: AbortSignal, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const onAbort = () => late.reject(new AppError('dns_failed', { note: 'name look-up deadline' }))
  deadline.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, late.promise])
  } finally {
    deadline.removeEventListener('abort', onAbort)
  }
}

async function connectTo(
  addresses: readonly Address[],
  target: Target,
  deadline: AbortSignal
): Promise<Socket> {
  // The socket never asks a resolver: it is given the addresses that were checked.
  const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, [...addresses])
  const socket = netConnect({
    host: target.hostname,
    port: target.port,
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: nextAddressMs
  })
  socket.on('error', () => {}) // whoever waits is told below; none must become an uncaught exception
  try {
    await once(socket, 'connect', { signal: deadline })
  } catch (err) {
    socket.destroy()
    throw unreachable(err)
  }
  const remote = socket.remoteAddress
  if (remote === undefined || !addresses.some(({ address }) => isSameAddress(address, remote))) {
    socket.destroy()
    throw new AppError('host_not_allowed', { note: 'connected to an address that was not checked' })
  }
  return socket.setNoDelay(true).setKeepAlive(true, 60_000)
}

async function secure(
  plain: Socket,
  target: Target,
  secureContext: SecureContext,
  deadline: AbortSignal
): Promise<TLSSocket> {
  const socket = tlsConnect({
    socket: plain,
    host: target.hostname,
    servername: isIP(target.hostname) === 0 ? target.hostname : '',
    secureContext,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1']
  })
  socket.on('error', () => {})
  try {
    await once(socket, 'secureConnect', { signal: deadline })
    return socket
  } catch (err) {
    socket.destroy()
    plain.destroy()
    throw new AppError('tls_failed', { note: codeOf(err) })
  }
}

function unreachable(err: unknown): AppError {
  return new AppError('workspace_unreachable', { note: codeOf(err) })
}
