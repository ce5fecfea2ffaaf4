import type { OperatorChoice, OperatorView } from '../identity/identity.ts'
import { type Command, command, type Given, given, needed, UsageError } from './command.ts'

const who = {
  usage: 'USER_ID | --email EMAIL --issuer URL',
  options: { email: { type: 'string' }, issuer: { type: 'string' } },
  positionalsMax: 1
} as const

export const operatorCommands: readonly Command[] = [
  command({
    ...who,
    name: 'operator add',
    about: 'let a person who has logged in run the platform: make, suspend and erase tenants',
    run: (asked, { identity }) => identity.operators.add(choiceOf(asked)),
    tell: lineOf
  }),
  command({
    ...who,
    name: 'operator remove',
    about: 'take that away again',
    run: async (asked, { identity }) => {
      await identity.operators.remove(choiceOf(asked))
      return { isRemoved: true }
    },
    tell: () => 'removed'
  }),
  command({
    name: 'operator list',
    usage: '',
    about: 'who runs the platform',
    options: {},
    positionalsMax: 0,
    run: (_asked, { identity }) => identity.operators.list(),
    tell: (operators) => operators.map(lineOf).join('\n')
  })
]

function choiceOf(asked: Given): OperatorChoice {
  const [userId] = asked.positionals
  const isByEmail = given(asked, 'email') !== null || given(asked, 'issuer') !== null
  if (userId === undefined)
    return { email: needed(asked, 'email'), issuer: needed(asked, 'issuer') }
  if (isByEmail) throw new UsageError('either a user id, or --email and --issuer')
  return { userId }
}

function lineOf({ userId, email, issuer, name }: OperatorView): string {
  return `${userId}  ${email}  ${issuer}  ${name}`
}
