import { AppError } from '../base/errors.ts'
import { isJsonObject, parseJsonObject } from '../base/json-object.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { unusableMetadata } from './login-faults.ts'
import { isPlainHttp, type LoginMetadata, loginHosts } from './login-metadata.ts'
import type { LoginProviderCheck } from './login-providers.ts'

type Step = LoginProviderCheck['steps'][number]

/** As far as a login goes without a person: may Weft ask there, what does it say of itself, has it keys. */
export async function verifyLoginProvider(
  provider: Parameters<LoginMetadata['anew']>[0],
  metadata: LoginMetadata,
  outbound: Pick<Outbound, 'checkUrl'>
): Promise<LoginProviderCheck> {
  const work: readonly [Step['step'], () => unknown][] = [
    ['issuer', () => isPlainHttp(outbound.checkUrl(provider.issuer, loginHosts))],
    ['discovery', () => metadata.anew(provider)],
    ['keys', async () => checkKeys(await (await metadata.of(provider)).keys())]
  ]
  const steps: Step[] = []
  for (const [step, run] of work) {
    const hasFailed = steps.some(({ status }) => status !== 'passed')
    steps.push(hasFailed ? { step, status: 'skipped' } : await attempt(step, run))
  }
  return { ok: steps.every(({ status }) => status === 'passed'), steps }
}

async function attempt(step: Step['step'], run: () => unknown): Promise<Step> {
  try {
    await run()
    return { step, status: 'passed' }
  } catch (err) {
    if (!(err instanceof AppError)) throw err
    const { code, detail = err.message } = err
    return { step, status: 'failed', code, detail }
  }
}

function checkKeys(text: string): void {
  const { keys } = parseJsonObject(text) ?? {}
  const usable = Array.isArray(keys)
    ? keys.filter((key) => isJsonObject(key) && key.use !== 'enc')
    : []
  if (usable.length === 0) throw unusableMetadata('no signing keys')
}
