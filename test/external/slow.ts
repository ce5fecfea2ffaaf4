import { stripVTControlCharacters } from 'node:util'
import { type Finding, outputOf, type Tool } from './tool.ts'

/** Seconds: everything slow is cut by then, with some for a machine under load. */
const cutBy = 20
const plainOf = (text: Buffer) => stripVTControlCharacters(text.toString())

async function attack(did: string, args: readonly string[], mustEnd = true): Promise<Finding> {
  const all = ['-c', '50', '-r', '50', '-i', '3', '-l', '40', '-p', '5', ...args]
  const text = plainOf(await outputOf('slowhttptest', all, { seconds: 60 }))
  const [, lasted = '?'] = /Test ended on (\d+)/.exec(text) ?? []
  const [, status = '?'] = /Exit status:\s*([^\n]+)/.exec(text) ?? []
  const wasThere = !/service available:\s*NO/.test(text)
  return {
    did,
    saw: `${status.trim()} after ${lasted} s, others ${wasThere ? 'were served' : 'were NOT served'}`,
    isGood:
      wasThere && (!mustEnd || (/No open connections/.test(status) && Number(lasted) <= cutBy))
  }
}

/** H1 H2: fifty clients that send or read as slowly as they can. */
export const slowhttptest: Tool = {
  program: 'slowhttptest',
  async run({ weft, fabrics }) {
    const call = `${weft}/fabrics/${fabrics[0]?.id}/serving-endpoints/probe/invocations`
    const body = ['-B', '-s', '100000', '-x', '4', '-f', 'application/json']
    return [
      await attack('50 clients that never end their headers', ['-H', '-u', `${weft}/console`]),
      await attack('50 clients that trickle a body to the API', [
        ...body,
        '-u',
        `${weft}/api/v1/fabrics`
      ]),
      await attack('50 clients that trickle a body to a fabric', [...body, '-u', call]),
      // Who takes a little all the time may: what they cost is a buffer of the kernel's.
      await attack(
        '50 clients that read a page byte by byte',
        [
          ...['-X', '-w', '1', '-y', '8', '-n', '1', '-z', '1', '-k', '3'],
          ...['-u', `${weft}/api/v1/openapi.json`]
        ],
        false
      )
    ]
  }
}
