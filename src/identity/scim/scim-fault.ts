import { AppError } from '../../base/errors.ts'

/** RFC 7644 §3.12, as far as Weft has a use for them. */
export type ScimFaultType =
  | 'invalidFilter'
  | 'invalidPath'
  | 'invalidSyntax'
  | 'invalidValue'
  | 'noTarget'
  | 'uniqueness'

/** A refusal that SCIM has a name for. */
export class ScimFault extends AppError {
  readonly scimType: ScimFaultType

  constructor(scimType: ScimFaultType, detail: string) {
    super(scimType === 'uniqueness' ? 'conflict' : 'invalid_request', { detail })
    this.scimType = scimType
  }
}
