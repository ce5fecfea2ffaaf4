/**
 * How much of this process one party may take. Every bound is per process: N replicas let through up to N
 * times as much. None is for an operator to tune: a process that needs more room needs another beside it.
 */
export interface GatewayBounds {
  /** Calls under way at once, those whose body is still coming in included. */
  readonly callsMax: number
  /** From here on a tenant with more than its even share of `callsMax` is refused, so that others are not. */
  readonly crowdedAt: number
  /** Of one service account or person. */
  readonly callsPerCallerMax: number
  readonly callsPerFabricMax: number
  /** Of one workspace host, whoever asks; less than `crowdedAt`, so that one that hangs crowds nobody. */
  readonly callsPerHostMax: number
  /** Median delay of the event loop's turns from which on no new call is taken. */
  readonly lagMsMax: number
}

export const defaultBounds: GatewayBounds = {
  callsMax: 4_096,
  crowdedAt: 3_072,
  callsPerCallerMax: 1_280,
  callsPerFabricMax: 1_536,
  callsPerHostMax: 2_048,
  lagMsMax: 200
}

/** What a call can be refused for, before anything of it is sent. */
export const refusalReasons = [
  'lag',
  'process',
  'tenant',
  'caller',
  'fabric',
  'host',
  'rate'
] as const
export type RefusalReason = (typeof refusalReasons)[number]
