import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { parseArguments, usualPorts } from '../../src/local/arguments.ts'
import { portOrFree } from '../../src/local/free-port.ts'
import { inheritedFrom } from '../../src/local/inherited.ts'
import { choosePorts, startOnPort } from '../../src/local/ports.ts'

test('--ports takes 0 or four different ports', () => {
  expect(parseArguments(['--ports', '0']).ports).toBe('any')
  expect(parseArguments(['--ports', '1,2,3,0']).ports).toEqual({
    weft: 1,
    workspace1: 2,
    workspace2: 3,
    idp: 0
  })
  for (const bad of ['1', '1,2,3', '1,2,3,4,5', '1,1,2,3', '1,2,3,x', '1,2,3,70000', '']) {
    expect(() => parseArguments(['--ports', bad])).toThrow(/--ports/)
  }
})

test('an unknown argument is refused with the help text', () => {
  expect(() => parseArguments(['--jason'])).toThrow(/--jason[\s\S]*npm start/)
})

test('kept data keeps its ports, and its identity provider cannot move', () => {
  const kept = { weft: 1, workspace1: 2, workspace2: 3, idp: 4 }
  expect(choosePorts(undefined, undefined)).toMatchObject(usualPorts)
  expect(choosePorts('any', undefined)).toMatchObject({ weft: 0, idp: 0 })
  expect(choosePorts('any', kept)).toMatchObject(kept)
  expect(choosePorts({ ...kept, weft: 9 }, kept)).toMatchObject({ weft: 9, idp: 4 })
  expect(() => choosePorts({ ...kept, idp: 9 }, kept)).toThrow(/--fresh/)
})

test('a taken port gives a message and a free port; a fixed one gives an error', async () => {
  const taken = createServer()
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done))
  const address = taken.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const begin = async (wanted: number) => {
    if (wanted === port) throw Object.assign(new TypeError('taken'), { code: 'EADDRINUSE' })
    return { port: 4711 }
  }
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  expect(await startOnPort(port, 'workspace 1', say, begin)).toEqual({ port: 4711 })
  expect(said).toEqual([`Port ${port} is taken; workspace 1 uses 4711 instead.`])
  await expect(startOnPort(port, 'it', say, begin, true)).rejects.toThrow(/--fresh/)
  expect(await portOrFree(port)).not.toBe(port)
  taken.close()
})

test('Weft inherits no credentials, and no settings of Node but its cache', () => {
  const kept = { PATH: '/bin', HOME: '/root', NODE_COMPILE_CACHE: '/cache' }
  const env = { ...kept, NODE_OPTIONS: '--inspect', AWS_SECRET_ACCESS_KEY: 'x' }
  expect(inheritedFrom(env)).toEqual({ WEFT_LOG_LEVEL: 'warn', ...kept })
})
