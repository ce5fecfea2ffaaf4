import { type Ports, usualPorts } from './arguments.ts'
import { StackError } from './stack-error.ts'

/**
 * The ports to try: those asked for, else those that the kept data was made with, else the usual ones.
 * @throws StackError where the kept data logs in at another identity provider than was asked for
 */
export function choosePorts(
  asked: Ports | 'any' | undefined,
  kept: Ports | undefined
): Ports & {
  readonly isIdpFixed: boolean
} {
  if (asked === undefined || asked === 'any') {
    const fallback =
      asked === 'any' ? { weft: 0, workspace1: 0, workspace2: 0, idp: 0 } : usualPorts
    return { ...(kept ?? fallback), isIdpFixed: kept !== undefined }
  }
  if (kept && asked.idp !== 0 && asked.idp !== kept.idp) throw movedProvider(kept.idp)
  return { ...asked, idp: kept?.idp ?? asked.idp, isIdpFixed: kept !== undefined }
}

/** Starts a part on its port, or with a clear message on a free one where that is taken. */
export async function startOnPort<T extends { readonly port: number }>(
  port: number,
  name: string,
  say: (line: string) => void,
  begin: (port: number) => Promise<T>,
  isFixed = false
): Promise<T> {
  try {
    return await begin(port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (isFixed) throw movedProvider(port)
    const part = await begin(0)
    say(`Port ${port} is taken; ${name} uses ${part.port} instead.`)
    return part
  }
}

function movedProvider(port: number): StackError {
  return new StackError(
    `The kept data logs people in at http://localhost:${port}, so the identity provider needs that port. ` +
      'Free it, or begin anew with --fresh, or name another folder with --data.'
  )
}
