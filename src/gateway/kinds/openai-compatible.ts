import { invalidRequest } from '../../base/errors.ts'
import { fitsParameter } from '../path-table.ts'
import { readWhole } from '../whole-body.ts'
import type { EndpointKind } from './kind.ts'
import { readTopLevelString } from './top-level-members.ts'

/** The paths that OpenAI clients use; the endpoint is the body's `model`. The body passes as it came. */
export const openaiCompatible: EndpointKind = {
  reach: 'endpoint',
  async ask({ fabric, body }) {
    const whole = body === null ? null : await readWhole(body)
    const endpoint = whole === null ? null : readTopLevelString(whole, 'model')
    if (endpoint === null) throw invalidRequest('/model', 'name the endpoint as a string, once')
    if (!fitsParameter(fabric.provider, 'endpoint', endpoint)) {
      throw invalidRequest('/model', 'not the name of an endpoint')
    }
    return { endpoint, body: whole }
  }
}
