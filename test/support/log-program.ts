/** A process that logs as Weft does: `log-program.ts <lines> <exit|throw|stay> [level of the last line]`. */
import { setTimeout as delay } from 'node:timers/promises'
import pino from 'pino'
import { createLogLines } from '../../src/log-lines.ts'

const [count = '0', ending = 'exit', last = 'info'] = process.argv.slice(2)
const lines = createLogLines(process.stdout.fd)
process.on('exit', lines.end)
const logger = pino({ base: null }, lines)
const isLast = (no: number) => no === Number(count) - 1

for (let no = 0; no < Number(count); no += 1) {
  logger[isLast(no) && last === 'error' ? 'error' : 'info'](
    { no, filling: 'x'.repeat(200) },
    'line'
  )
  if (no % 1_000 === 0) await delay(1)
}
process.send?.('all are logged')
if (ending === 'throw') throw new TypeError('nobody catches this')
if (ending === 'exit') process.exit(0)
process.on('message', () => process.kill(process.pid, 'SIGKILL'))
