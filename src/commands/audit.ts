import { type AuditHead, headsIn } from '../audit/anchors.ts'
import { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { commandLineCall, type FoundToken, operatorScope } from '../identity/identity.ts'
import {
  type Command,
  type CommandRooms,
  command,
  type Given,
  given,
  needed,
  UsageError
} from './command.ts'

const options = { tenant: { type: 'string' } } as const

export const auditCommands: readonly Command[] = [
  command({
    name: 'audit head',
    usage: '--tenant SLUG|ID',
    about:
      'how long a tenant’s record is and its last hash, signed: keep it where Weft cannot write',
    options,
    positionalsMax: 0,
    run: async (asked, rooms) => await rooms.audit.head(await scopeOf(asked, rooms)),
    tell: ({ seq, hash, jws }: AuditHead) => `${seq} records, the last ${hash}\n${jws}`
  }),
  command({
    name: 'audit verify',
    usage: '--tenant SLUG|ID [--anchor FILE]',
    about:
      'check a tenant’s record, against the heads in a file where one is given: answers, lines of the log or ' +
      'the bare text; ends with 1 where it does not hold',
    options: { ...options, anchor: { type: 'string' } },
    positionalsMax: 0,
    run: async (asked, rooms) => {
      const file = given(asked, 'anchor')
      const heads = file === null ? [] : headsIn(read(file, rooms))
      return await rooms.audit.verify(await scopeOf(asked, rooms), heads)
    },
    tell: ({ isIntact, count, firstBadSeq, fault }) =>
      isIntact
        ? `intact: ${count} records`
        : `NOT intact: record ${firstBadSeq} is ${fault}; ${count} records before it hold`,
    isBad: ({ isIntact }) => !isIntact
  }),
  command({
    name: 'audit find-token',
    usage: '--tenant SLUG|ID',
    about: 'whose a token is that was found, and what was done with it; it comes on standard input',
    options,
    positionalsMax: 0,
    run: async (asked, rooms) => {
      const scope = await scopeOf(asked, rooms)
      const token = new Secret((await rooms.readInput()).trim())
      return await rooms.identity.tokenFinding.find(scope, token)
    },
    tell: foundText
  })
]

function foundText({ kind, credentialId, owner, issued, events }: FoundToken): string {
  const made = issued === null ? 'made before marks were kept' : `made ${issued.at.toISOString()}`
  const uses = events.map(
    ({ at, action, object, outcome, source }) =>
      `${at.toISOString()}  ${action}  ${object.id}  ${outcome}  from ${source ?? 'unknown'}`
  )
  return [
    `${kind.replace('_', ' ')} ${credentialId} of ${owner.kind.replace('_', ' ')} ${owner.id}, ${made}`,
    ...uses
  ].join('\n')
}

function read(file: string, rooms: CommandRooms): string {
  try {
    return rooms.readFile(file)
  } catch {
    throw new UsageError(`${file} cannot be read`)
  }
}

async function scopeOf(asked: Given, { identity }: CommandRooms): Promise<TenantScope> {
  const { id } = await identity.tenants.find(commandLineCall, needed(asked, 'tenant'))
  return operatorScope(commandLineCall, id)
}
