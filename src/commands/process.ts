import type { Finding } from '../jobs/examination.ts'
import { command, type ProcessCommand, type ProcessDeeds } from './command.ts'

const nothing = { options: {}, positionalsMax: 0 } as const

export const processCommands: readonly ProcessCommand[] = [
  command({
    ...nothing,
    name: 'config check',
    usage: '',
    about: 'report every fault of the environment',
    run: async (_asked, deeds: ProcessDeeds) => {
      deeds.checkConfig()
      return { isGood: true }
    },
    tell: () => 'The configuration is good.'
  }),
  command({
    ...nothing,
    name: 'migrate',
    usage: '',
    about: 'apply migrations and the app role’s rights, as WEFT_OWNER_DATABASE_URL',
    run: async (_asked, deeds: ProcessDeeds) => ({ applied: await deeds.migrate() }),
    tell: ({ applied }) => `applied: ${applied.join(', ') || 'nothing was missing'}`
  }),
  command({
    options: {},
    name: 'doctor',
    usage: '[WORKSPACE_URL …]',
    about:
      'check configuration, database, role, row-level security, keys, clock and the way to identity ' +
      'provider and workspaces, and say what to do about each finding; changes nothing',
    positionalsMax: 20,
    run: (asked, deeds: ProcessDeeds) => deeds.examine(asked.positionals),
    tell: reportText,
    isBad: (findings) => findings.some(({ status }) => status === 'failed')
  })
]

function reportText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, detail, remedy }) => [
    `${status.padEnd(7)}  ${check.padEnd(width)}  ${detail}`,
    ...(remedy === null ? [] : [`${' '.repeat(width + 11)}→ ${remedy}`])
  ])
  const count = (of: Finding['status']) => findings.filter(({ status }) => status === of).length
  const sum = `${count('passed')} passed, ${count('warned')} warned, ${count('failed')} failed, ${count('skipped')} skipped`
  return [...lines, sum].join('\n')
}
