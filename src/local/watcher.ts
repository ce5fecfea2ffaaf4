import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import process from 'node:process'

const script = [
  `trap '' INT TERM HUP`,
  'read -r _',
  'kill -"$2" "$1" 2>/dev/null || exit 0',
  'n=0; while [ "$n" -lt 100 ]; do',
  '  kill -0 "$1" 2>/dev/null || exit 0',
  '  case "$(cat "/proc/$1/stat" 2>/dev/null)" in *") Z "*) exit 0;; esac',
  '  sleep 0.1; n=$((n+1))',
  'done',
  'kill -KILL "$1" 2>/dev/null'
].join('\n')

/**
 * Ends a child soon after our own process is gone, however it went (`kill -9` included): a small shell
 * holds the far end of a pipe to us and acts when that closes. It lives in a session of its own, so that
 * Ctrl-C does not reach it, and goes with the child, so that a reused pid is safe.
 */
export function endWithUs(child: ChildProcess, signal: 'INT' | 'TERM'): void {
  if (process.platform === 'win32' || child.pid === undefined) return
  const shell = spawn('/bin/sh', ['-c', script, 'weft-watcher', String(child.pid), signal], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' }
  })
  shell.on('error', () => {})
  shell.stdin.on('error', () => {})
  shell.unref()
  if (shell.stdin instanceof Socket) shell.stdin.unref()
  child.once('exit', () => shell.kill('SIGKILL'))
}
