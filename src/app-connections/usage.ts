import { asId } from '../base/ids.ts'
import type { AppConnectionRow } from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import { listFabricsOfAppConnection } from '../store/fabrics.ts'
import { countSignInsOf } from '../store/grants.ts'
import type { AppConnectionUsage } from './app-connections.ts'

const fabricsMax = 500
const namesMax = 5

/** Who would notice if the app connection were gone. */
export async function usageOf(tx: Tx, row: AppConnectionRow): Promise<AppConnectionUsage> {
  const rows = await listFabricsOfAppConnection(tx, row, fabricsMax)
  const { signIns, people } = await countSignInsOf(tx, row.id)
  const fabrics = rows.map((fabric) => ({
    id: asId('fabric', fabric.id),
    name: fabric.name,
    teamId: asId('team', fabric.teamId),
    isByDefault: fabric.appConnectionId === null
  }))
  return { fabrics, signIns, people, whatFollows: followsOf(row, { fabrics, signIns, people }) }
}

function followsOf(
  { isDefault }: AppConnectionRow,
  { fabrics, signIns, people }: Omit<AppConnectionUsage, 'whatFollows'>
): AppConnectionUsage['whatFollows'] {
  const named = fabrics.filter(({ isByDefault }) => !isByDefault)
  const byDefault = fabrics.filter(({ isByDefault }) => isByDefault)
  const disabled: string[] = []
  const deleted: string[] = []
  if (fabrics.length > 0) {
    disabled.push(`Nobody can sign in or call as themself through ${namesOf(fabrics)}`)
  }
  if (signIns > 0) {
    disabled.push(`${signIns} sign-ins of ${people} people rest until it is enabled again`)
    deleted.push(
      `${signIns} sign-ins of ${people} people end, at the provider too where it can be told`
    )
  }
  if (named.length > 0) {
    deleted.push(`Not before another app connection is chosen for ${namesOf(named)}`)
  }
  if (byDefault.length > 0) deleted.push(`${namesOf(byDefault)} are left without an app connection`)
  if (isDefault) deleted.push('No app connection is the default until another is made it')
  return { disabled, deleted }
}

export function namesOf(fabrics: readonly { readonly name: string }[]): string {
  const names = fabrics.slice(0, namesMax).map(({ name }) => name)
  const more = fabrics.length - names.length
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ')
}
