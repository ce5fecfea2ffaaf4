import { Badge, Group, Text, Tooltip, VisuallyHidden } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useIsTeamAdmin, useMe } from '../../api/me.ts'
import { queryOf } from '../../api/queries.ts'
import type { Schemas } from '../../generated/operations.ts'
import { connectionWords } from '../../parts/connection-words.ts'
import { KindBadge, StateMark } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'

export type Fabric = Schemas['Fabric']

/** Whether one is signed in oneself, and where that ends soon, when. */
function MySignIn({ fabric }: { readonly fabric: Fabric }) {
  const isDraft = fabric.status === 'draft'
  const input = { path: { fabricId: fabric.id } }
  const { data } = useQuery({ ...queryOf('connectionGet', input), enabled: !isDraft })
  if (isDraft || data === undefined) return <Text size="sm">–</Text>
  const isEnding = data.warnings.some(({ code }) => code === 'sign_in_expiring')
  if (isEnding) {
    return (
      <Group gap={8} wrap="nowrap">
        <span className="dot" data-color="yellow" aria-hidden />
        <Text size="sm">
          Ends <Time at={data.predictedSignInAt} none="soon" />
        </Text>
      </Group>
    )
  }
  return <StateMark state={data.state} words={connectionWords(data, fabric.authMethod)} />
}

function Warnings({ warnings }: Pick<Fabric, 'warnings'>) {
  if (warnings.length === 0) return <span />
  const text = warnings.map(({ message }) => message).join(' ')
  return (
    <Tooltip label={text} multiline maw={320}>
      <Group gap={4} wrap="nowrap" className="fabric-warnings">
        <IconAlertTriangle size={16} stroke={1.8} aria-hidden />
        <Text size="sm" fw={500} aria-hidden>
          {warnings.length}
        </Text>
        <VisuallyHidden>Warnings: {text}</VisuallyHidden>
      </Group>
    </Tooltip>
  )
}

export function FabricRow({ fabric }: { readonly fabric: Fabric }) {
  const { teams } = useMe()
  const team = teams.find(({ id }) => id === fabric.teamId)
  const isDraft = fabric.status === 'draft'
  const isAdmin = useIsTeamAdmin(fabric.teamId)
  const to = isDraft && isAdmin ? '/fabrics/$fabricId/edit' : '/fabrics/$fabricId'
  return (
    <Link className="row fabric-grid" to={to} params={{ fabricId: fabric.id }}>
      <div className="ellipsis">
        <Group gap="0 8px" wrap="nowrap" className="fabric-name">
          <Text fw={600} size="sm" truncate>
            {fabric.name}
          </Text>
          <KindBadge kind={fabric.kind} />
          {isDraft && (
            <Badge variant="default" size="sm" radius="sm">
              Draft
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed" truncate>
          {fabric.workspaceUrl.replace(/^https?:\/\//, '')}
        </Text>
      </div>
      <Text size="sm" truncate className="fabric-team">
        {team?.name ?? 'Another team'}
      </Text>
      <div className="fabric-health">
        {isDraft ? <Text size="sm">–</Text> : <StateMark state={fabric.health.state} />}
      </div>
      <MySignIn fabric={fabric} />
      <Warnings warnings={fabric.warnings} />
    </Link>
  )
}
