import { AppError, type InputFault } from '../base/errors.ts'
import { isJsonObject } from '../base/json-object.ts'
import type { FabricRow } from '../store/fabrics.ts'

/** A cluster under the name that deployments choose it by. */
export interface JobSize {
  readonly name: string
  /** The provider's own description of a new cluster (`new_cluster`), passed on as it is. */
  readonly cluster: Readonly<Record<string, unknown>>
}

const clusterMaxBytes = 16 * 1024

/** What is wrong with sizes beyond the shape that their schema gives them. */
export function jobSizeFaults(sizes: readonly JobSize[]): InputFault[] {
  return sizes.flatMap(({ name, cluster }, index) => {
    const pointer = `/jobSizes/${index}`
    const isTwice = sizes.findIndex((other) => other.name === name) < index
    const faults = clusterFaults(cluster).map(([member, message]) => ({
      pointer: `${pointer}/cluster${member}`,
      message
    }))
    if (!isTwice) return faults
    return [{ pointer: `${pointer}/name`, message: 'another size has this name' }, ...faults]
  })
}

type ClusterFault = readonly [member: string, message: string]

/** Only what no workspace would take: the rest is the workspace's to judge, and differs from cloud to cloud. */
function clusterFaults(cluster: JobSize['cluster']): ClusterFault[] {
  if (Buffer.byteLength(JSON.stringify(cluster)) > clusterMaxBytes) {
    return [['', `over ${clusterMaxBytes / 1024} KiB`]]
  }
  const { spark_version: version, policy_id: policy, num_workers: workers, autoscale } = cluster
  const faults: ClusterFault[] = []
  if (policy !== undefined && !isName(policy)) faults.push(['/policy_id', 'must be a text'])
  if (version === undefined ? policy === undefined : !isName(version)) {
    faults.push(['/spark_version', 'must be a text, and may be left to a policy only'])
  }
  if (workers !== undefined && !isCount(workers)) {
    faults.push(['/num_workers', 'must be a whole number, 0 or more'])
  }
  if (workers !== undefined && autoscale !== undefined) {
    faults.push(['/autoscale', 'goes without num_workers'])
  }
  if (autoscale !== undefined && !isRange(autoscale)) {
    faults.push(['/autoscale', 'must be min_workers and max_workers, the lesser first'])
  }
  if (cluster.existing_cluster_id !== undefined) {
    faults.push(['/existing_cluster_id', 'a size describes a new cluster'])
  }
  return faults
}

const isName = (value: unknown) => typeof value === 'string' && value.trim() !== ''
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

function isRange(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  const { min_workers: min, max_workers: max } = value
  return isCount(min) && isCount(max) && min <= max
}

/** As JSON has it, for the row. */
export function storedSizes(sizes: readonly JobSize[]) {
  return JSON.parse(JSON.stringify(sizes))
}

/** The sizes of a fabric, in their order. */
export function jobSizesOf({ jobSizes }: Pick<FabricRow, 'jobSizes'>): readonly JobSize[] {
  if (!Array.isArray(jobSizes)) {
    throw new AppError('internal', { note: 'job sizes that are no list' })
  }
  return jobSizes as unknown as readonly JobSize[] // checked before they were stored
}
