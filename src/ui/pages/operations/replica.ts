import type { Schemas } from '../../generated/operations.ts'

export type Replica = Schemas['Operations']['replicas'][number]

export interface ReplicasProps {
  readonly replicas: readonly Replica[]
}

export const count = new Intl.NumberFormat('en')

/** `1 call`, `2 calls`. */
export function counted(value: number, one: string, many: string): string {
  return `${count.format(value)} ${value === 1 ? one : many}`
}
