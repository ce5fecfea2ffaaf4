import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Ports } from './arguments.ts'
import { removePostgresData } from './postgres.ts'
import { StackError } from './stack-error.ts'

/** Secrets of a local stack, made once; the simulators and Weft must agree on them over starts. */
export interface KeptSecrets {
  readonly appRolePassword: string
  readonly ownerRolePassword: string
  readonly appClientId: string
  readonly appClientSecret: string
  readonly principalClientId: string
  readonly principalClientSecret: string
  readonly acmeLoginSecret: string
  readonly globexLoginSecret: string
}

export interface KeptServiceKey {
  readonly serviceAccountId: string
  readonly keyId: string
  readonly key: string
}

const repository = fileURLToPath(new URL('../..', import.meta.url))

export function defaultDataDir(): string {
  return join(repository, '.data')
}

/** The files of one stack's data folder; every one that holds a secret is for its owner only. */
export function openDataFolder(dataDir: string) {
  const root = resolve(dataDir)
  mkdirSync(root, { recursive: true })
  const file = (name: string) => join(root, name)
  return {
    root,
    postgres: file('postgres'),
    keyRing: file('key-ring'),
    stack: file('stack.json'),
    workspaceState: (index: number) => file(`workspace-${index}`),
    identityProviderState: file('identity-provider'),
    secrets: (): KeptSecrets => keep(file('secrets.json'), makeSecrets),
    makeKeyRing() {
      if (existsSync(file('key-ring'))) return
      writePrivate(file('key-ring'), `local-1:${randomBytes(32).toString('base64')}\n`)
    },
    ports: (): Ports | undefined => read<Ports>(file('ports.json')),
    keepPorts: (ports: Ports) => writePrivate(file('ports.json'), JSON.stringify(ports)),
    serviceKey: (): KeptServiceKey | undefined => read<KeptServiceKey>(file('service-key.json')),
    keepServiceKey: (key: KeptServiceKey) =>
      writePrivate(file('service-key.json'), JSON.stringify(key))
  }
}

export type DataFolder = ReturnType<typeof openDataFolder>

const ownFiles = [
  'key-ring',
  'secrets.json',
  'ports.json',
  'service-key.json',
  'stack.json',
  ...['workspace-1', 'workspace-2', 'identity-provider'].flatMap((name) => [
    `${name}.key.json`,
    `${name}.tokens.json`
  ])
]

/** Removes what a stack keeps, and nothing else that may lie in the folder. */
export function emptyDataFolder(dataDir: string): void {
  const root = resolve(dataDir)
  removePostgresData(join(root, 'postgres'))
  for (const name of ownFiles) rmSync(join(root, name), { force: true })
}

export function writePrivate(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 })
  chmodSync(`${file}.new`, 0o600)
  renameSync(`${file}.new`, file)
}

function makeSecrets(): KeptSecrets {
  const secret = () => randomBytes(24).toString('base64url')
  return {
    appRolePassword: secret(),
    ownerRolePassword: secret(),
    appClientId: randomUUID(),
    appClientSecret: `dose${randomBytes(16).toString('hex')}`,
    principalClientId: randomUUID(),
    principalClientSecret: `dose${randomBytes(16).toString('hex')}`,
    acmeLoginSecret: secret(),
    globexLoginSecret: secret()
  }
}

function keep<T>(file: string, make: () => T): T {
  const kept = read<T>(file)
  if (kept !== undefined) return kept
  const made = make()
  writePrivate(file, JSON.stringify(made))
  return made
}

export function read<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    throw new StackError(`${file} cannot be read; empty the data with npm run reset.`)
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
