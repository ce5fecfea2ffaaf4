import { AppError } from '../base/errors.ts'
import type { SignInAttemptId } from '../base/ids.ts'

/** A problem in which a sign-in ended that was the caller's to finish: how it went is told by the attempt. */
export class SignInFault extends AppError {
  readonly attemptId: SignInAttemptId

  constructor(error: AppError, attemptId: SignInAttemptId) {
    const { code, detail, note, retryAt } = error
    super(code, {
      ...(detail !== undefined && { detail }),
      ...(note !== undefined && { note }),
      ...(retryAt !== undefined && { retryAt })
    })
    this.attemptId = attemptId
  }
}
