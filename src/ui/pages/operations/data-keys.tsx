import { Text } from '@mantine/core'
import { useList } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { Nothing, Section } from '../../parts/section.tsx'
import { Time } from '../../parts/time.tsx'
import { count, counted } from './replica.ts'

interface Props {
  readonly dataKeys: Schemas['OperationsKeys']['dataKeys']
}

const leftMax = 10_000

/** Data keys that give way to a new one, and how much each still seals. */
export function DataKeys({ dataKeys: { rotating, retired } }: Props) {
  const tenants = useList('tenantList', {})
  const nameOf = (id: string) => tenants.items.find((one) => one.id === id)?.name ?? id
  return (
    <Section
      title="Data keys"
      description={
        <>
          Each organisation has its own.{' '}
          <span className="mono">weft keys rotate --data --tenant acme</span> gives one a new key
          and seals all it has anew.
        </>
      }
    >
      {rotating.length === 0 && <Nothing>No rotation is under way.</Nothing>}
      <ul className="plain-list" aria-label="Rotations under way">
        {rotating.map(({ tenantId, since, left }) => (
          <li key={tenantId} className="section-row">
            <Text size="sm" fw={500}>
              {nameOf(tenantId)}
            </Text>
            <Text size="sm">
              {left >= leftMax
                ? `${count.format(leftMax)} values or more to go`
                : `${counted(left, 'value', 'values')} to go`}
            </Text>
            <Text size="sm" c="dimmed">
              began <Time at={since} />
            </Text>
          </li>
        ))}
      </ul>
      {retired > 0 && (
        <Nothing>
          {counted(retired, 'old key seals', 'old keys seal')} nothing more and will be destroyed
          within a day or so.
        </Nothing>
      )}
    </Section>
  )
}
