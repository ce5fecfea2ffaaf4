import { invalidRequest } from '../../base/errors.ts'
import { readWhole } from '../whole-body.ts'
import type { EndpointKind } from './kind.ts'
import { readTopLevelString } from './top-level-string.ts'

/** The paths that OpenAI clients use; the endpoint is the body's `model`. The body passes as it came. */
export const openaiCompatible: EndpointKind = {
  operation: 'serving.openai',
  method: 'POST',
  path: /^\/serving-endpoints\/(chat\/completions|completions|embeddings|responses)$/,
  async ask(provider, match, body) {
    const whole = body === null ? null : await readWhole(body)
    const endpoint = whole === null ? null : readTopLevelString(whole, 'model')
    if (endpoint === null) throw invalidRequest('/model', 'name the endpoint as a string, once')
    if (!new RegExp(provider.servingEndpointNamePattern).test(endpoint)) {
      throw invalidRequest('/model', 'not the name of an endpoint')
    }
    return { endpoint, upstreamPath: `/serving-endpoints/${match[1]}`, body: whole }
  }
}
