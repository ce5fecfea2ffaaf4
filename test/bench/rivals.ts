import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { portOrFree } from '../../src/local/free-port.ts'
import { type Child, isInstalled, lastWordsOf, startChild } from './children.ts'

/** A proxy of the operating system's packages, on one processor, with another Authorization. */
export type Rival = Child & { readonly port: number }

interface Wiring {
  readonly port: number
  readonly upstream: number
  readonly folder: string
}

const authorization = `Bearer ${'a'.repeat(800)}`
const readyMs = 10_000

export const rivals = { nginx: nginxConfig, haproxy: haproxyConfig } as const
export type RivalName = keyof typeof rivals

const commands: Readonly<Record<RivalName, (wiring: Wiring) => [string, ...string[]]>> = {
  nginx: ({ folder }) => ['nginx', '-p', folder, '-c', join(folder, 'config'), '-e', 'stderr'],
  haproxy: ({ folder }) => ['haproxy', '-db', '-f', join(folder, 'config')]
}

/** @returns why there is none, in a word or two, where it is not installed or does not start */
export async function startRival(name: RivalName, upstream: number): Promise<Rival | string> {
  if (!isInstalled(name)) return 'not installed, skipped'
  const folder = await mkdtemp(join(tmpdir(), 'weft-bench-'))
  const wiring = { port: await portOrFree(0), upstream, folder }
  await writeFile(join(folder, 'config'), rivals[name](wiring))
  const child = startChild(commands[name](wiring), 'measured')
  child.process.stdout?.resume()
  const words = lastWordsOf(child)
  const stop = async () => {
    await child.stop()
    await rm(folder, { recursive: true, force: true })
  }
  if (await listens(wiring.port)) return { ...child, port: wiring.port, stop }
  await stop()
  return `did not start: ${words().trim().split('\n').at(-1)}`
}

export async function listens(port: number): Promise<boolean> {
  const untilMs = performance.now() + readyMs
  while (performance.now() < untilMs) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('error', () => resolve(false))
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
    })
    if (isOpen) return true
    await pause(50)
  }
  return false
}

function nginxConfig({ port, upstream, folder }: Wiring): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr warn;
events { worker_connections 2048; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  client_body_buffer_size 128k;
  keepalive_requests 100000000;
  upstream workspace { server 127.0.0.1:${upstream}; keepalive 1024; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://workspace;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "${authorization}";
      proxy_buffering off;
    }
  }
}
`
}

function haproxyConfig({ port, upstream }: Wiring): string {
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend bench
  bind 127.0.0.1:${port}
  http-request set-header Authorization "${authorization}"
  default_backend workspace
backend workspace
  server one 127.0.0.1:${upstream}
`
}
