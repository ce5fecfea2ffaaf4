import { clockSteps } from './clocks.ts'
import {
  flood,
  hangingWorkspace,
  noisyNeighbour,
  retries,
  slowClients,
  slowTokenEndpoint
} from './crowds.ts'
import { connectionsDropped, cutOff, diskFull, frozen, readOnly, stopped } from './database.ts'
import { failover } from './failover.ts'
import type { Fault } from './fault.ts'
import { coldStart } from './herd.ts'
import { restore } from './restore.ts'
import { fullStop, kill, rollingRestart } from './stopping.ts'
import { migrations, sideBySide } from './upgrades.ts'

/** In the order in which they are tried. */
export const faults: readonly Fault[] = [
  cutOff,
  fullStop,
  kill,
  rollingRestart,
  stopped,
  frozen,
  connectionsDropped,
  readOnly,
  failover,
  diskFull,
  hangingWorkspace,
  slowTokenEndpoint,
  noisyNeighbour,
  retries,
  flood,
  slowClients,
  clockSteps,
  coldStart,
  migrations,
  sideBySide,
  restore
]
