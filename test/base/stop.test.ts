import { describe, expect, it } from 'vitest'
import { Stop, type StopSignal } from '../../src/base/stop.ts'

interface Stopper {
  readonly signal: StopSignal
  abort(reason?: unknown): void
}

function ofStop(): Stopper {
  const stop = new Stop()
  return { signal: stop, abort: (reason) => stop.abort(reason) }
}

describe.each<[string, () => Stopper]>([
  ['a Stop', ofStop],
  ['an AbortController', () => new AbortController()]
])('%s', (_name, make) => {
  it('tells whoever listens, in order and each once, with the first reason', () => {
    const { signal, abort } = bound(make())
    const heard: string[] = []
    signal.addEventListener('abort', () => heard.push(`first ${signal.aborted} ${signal.reason}`))
    signal.addEventListener('abort', () => heard.push('second'), { once: true })
    expect(signal.aborted).toBe(false)
    expect(signal.reason).toBeUndefined()
    abort('why')
    abort('again')
    expect(heard).toEqual(['first true why', 'second'])
    expect(signal.reason).toBe('why')
  })

  it('tells nobody who stopped listening, or came when it was over', () => {
    const { signal, abort } = bound(make())
    const heard: string[] = []
    const left = () => heard.push('left')
    signal.addEventListener('abort', left)
    signal.addEventListener('abort', () => heard.push('stayed'))
    signal.removeEventListener('abort', left)
    abort()
    signal.addEventListener('abort', () => heard.push('late'))
    expect(heard).toEqual(['stayed'])
  })

  it('lets a listener leave while it is told', () => {
    const { signal, abort } = bound(make())
    const heard: string[] = []
    const first = () => {
      heard.push('first')
      signal.removeEventListener('abort', first)
    }
    signal.addEventListener('abort', first)
    signal.addEventListener('abort', () => heard.push('second'))
    abort()
    expect(heard).toEqual(['first', 'second'])
  })
})

function bound(stopper: Stopper): Stopper {
  return { signal: stopper.signal, abort: (reason) => stopper.abort(reason) }
}
