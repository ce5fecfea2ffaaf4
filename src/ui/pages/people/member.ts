import type { Schemas } from '../../generated/operations.ts'

export type Member = Schemas['Member']
