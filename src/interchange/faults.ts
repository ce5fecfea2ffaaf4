import { AppError, type InputFault, type ProblemCode } from '../base/errors.ts'

/** Problems that a document has; any other ends the import as it is. */
const ofDocument: ReadonlySet<ProblemCode> = new Set([
  'invalid_request',
  'not_found',
  'conflict',
  'host_not_allowed',
  'service_principal_missing',
  'fabric_incomplete'
])

/** What the rooms call otherwise than a document. */
const renamed: Readonly<Record<string, string>> = {
  '/teamId': '/team',
  '/appConnectionId': '/appConnection'
}

export interface Faults {
  readonly found: InputFault[]
  add(pointer: string, message: string): void
  /** @returns what the work gives; null where the document is at fault, which is noted */
  catching<T>(pointer: string, work: () => Promise<T>): Promise<T | null>
}

/** Gathers them all, so that one try shows every fault. */
export function createFaults(pointerOf: (pointer: string) => string): Faults {
  const found: InputFault[] = []
  const add = (pointer: string, message: string) => {
    found.push({ pointer: pointerOf(pointer), message })
  }
  return {
    found,
    add,
    async catching(pointer, work) {
      try {
        return await work()
      } catch (error) {
        if (!isOfDocument(error)) throw error
        const { errors = [], code } = error
        for (const fault of errors) {
          add(pointer + (renamed[fault.pointer] ?? fault.pointer), fault.message)
        }
        if (errors.length > 0) return null
        add(code === 'host_not_allowed' ? `${pointer}/workspaceUrl` : pointer, error.message)
        return null
      }
    }
  }
}

export function isOfDocument(error: unknown): error is AppError {
  return error instanceof AppError && ofDocument.has(error.code)
}
