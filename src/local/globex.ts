import type { RunningIdentityProvider } from './identity-provider.ts'
import { runWeft } from './weft-process.ts'

/** A second tenant, empty, made by Weft's own command; one that is there already is left as it is. */
export async function createGlobex(
  env: Record<string, string>,
  idp: RunningIdentityProvider,
  loginSecret: string
): Promise<void> {
  const args = ['tenant', 'create', '--json', '--slug', 'globex', '--name', 'Globex']
  const login = ['--login-issuer', idp.url, '--login-client-id', 'weft-globex']
  const rest = [
    '--login-client-secret-stdin',
    '--email-domains',
    'globex.test',
    '--admin',
    'guest@globex.test'
  ]
  const output = await runWeft([...args, ...login, ...rest], env, loginSecret)
  const { redirectUri }: { redirectUri: string } = JSON.parse(
    output.trim().split('\n').at(-1) ?? ''
  )
  idp.addRedirectUri('weft-globex', redirectUri)
}
