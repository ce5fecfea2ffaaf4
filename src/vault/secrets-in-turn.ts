import { AppError } from '../base/errors.ts'
import type { RawAnswer } from '../oauth/raw-answer.ts'
import { readTokenAnswer, type TokenVerdict } from '../oauth/token-answer.ts'
import type { OAuthClient } from '../oauth/token-endpoint.ts'
import type { GrantCredentials } from './credentials.ts'

/** Ids of the client secrets that a token was asked for with: the last one, and those refused before it. */
export interface SecretsTried {
  readonly last: string
  readonly refused: readonly string[]
  /** Whether the provider showed that it knows the client by the last one. */
  readonly isTaken: boolean
}

export interface AnswerInTurn {
  readonly verdict: TokenVerdict
  /** Null: there was none to try. */
  readonly secrets: SecretsTried | null
}

/**
 * Asks with the newest secret, and with the next only where the provider refuses the client itself
 * (`invalid_client`, RFC 6749 §5.2): a secret that is being replaced costs nobody an error. That one was taken is
 * for the caller to note.
 * @throws AppError whatever `ask` throws
 */
export async function askInTurn(
  { provider, candidates }: Pick<GrantCredentials, 'provider' | 'candidates'>,
  ask: (client: OAuthClient) => Promise<RawAnswer>
): Promise<AnswerInTurn> {
  const refused: string[] = []
  for (const { secretId, client } of candidates) {
    const verdict = readTokenAnswer(provider, await ask(client))
    const isRefused = verdict.kind === 'failed' && verdict.failure.kind === 'client_refused'
    if (!isRefused || refused.length === candidates.length - 1) {
      return { verdict, secrets: { last: secretId, refused, isTaken: tookClient(verdict) } }
    }
    refused.push(secretId)
  }
  throw new AppError('internal', { note: 'a grant without credentials' })
}

/** Whether the answer shows that the provider knew the client by its secret: an outage shows nothing. */
function tookClient(verdict: TokenVerdict): boolean {
  if (verdict.kind === 'granted') return true
  return verdict.failure.kind === 'dead_grant' || verdict.failure.kind === 'scope_missing'
}
