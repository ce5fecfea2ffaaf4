import { SegmentedControl } from '@mantine/core'
import { useIsTeamAdmin } from '../../api/me.ts'
import type { Schemas } from '../../generated/operations.ts'

export type As = Schemas['ConnectionTest']['as']

/** Whether one may run something by hand as the fabric's service principal. */
export function useMayActAsPrincipal(fabric: Schemas['Fabric']): boolean {
  const isAdmin = useIsTeamAdmin(fabric.teamId)
  return fabric.servicePrincipal !== null && (isAdmin || fabric.servicePrincipalUse === 'team')
}

interface Props {
  readonly fabric: Schemas['Fabric']
  readonly value: As
  readonly onChange: (as: As) => void
}

/** As whom to run; nothing to choose where one may only be oneself. */
export function ActAs({ fabric, value, onChange }: Props) {
  const isChoice = useMayActAsPrincipal(fabric)
  if (!isChoice) return null
  return (
    <SegmentedControl
      size="xs"
      aria-label="Run as"
      value={value}
      onChange={(next) => onChange(next === 'user' ? 'user' : 'service_principal')}
      data={[
        { value: 'user', label: 'As me' },
        { value: 'service_principal', label: 'As the service principal' }
      ]}
    />
  )
}
