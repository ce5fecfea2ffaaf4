import { Button, Tabs } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useIsTenantAdmin, useMayCreate } from '../../api/me.ts'
import { Page } from '../../parts/page.tsx'
import { TabStrip } from '../../parts/tab-strip.tsx'
import { Directory } from './directory.tsx'
import { Invitations } from './invitations.tsx'
import { Invite } from './invite.tsx'
import { Members } from './members.tsx'
import { Teams } from './teams.tsx'

type Part = 'members' | 'invitations' | 'teams' | 'directory'
const words: Readonly<Record<Part, string>> = {
  members: 'Members',
  invitations: 'Invitations',
  teams: 'Teams',
  directory: 'Your directory'
}

/** What of the organisation one may see: admins all of it, admins of a team its people, others the teams. */
function usePartsShown(): readonly Part[] {
  const isAdmin = useIsTenantAdmin()
  const isTeamAdmin = useMayCreate()
  if (isAdmin) return ['members', 'invitations', 'teams', 'directory']
  return isTeamAdmin ? ['members', 'teams'] : ['teams']
}

export function PeoplePage() {
  const parts = usePartsShown()
  const isAdmin = useIsTenantAdmin()
  const [part, setPart] = useState<Part>(parts[0] ?? 'teams')
  const [isInviting, setIsInviting] = useState(false)
  return (
    <Page
      title="People and teams"
      description={
        isAdmin
          ? 'Who may use Weft here, and which teams’ fabrics they share.'
          : 'The teams whose fabrics you share. To join another or to bring somebody in, ask an admin.'
      }
      actions={
        isAdmin && (
          <Button leftSection={<IconUserPlus size={16} />} onClick={() => setIsInviting(true)}>
            Invite somebody
          </Button>
        )
      }
    >
      <Tabs
        value={part}
        keepMounted={false}
        onChange={(next) => setPart(parts.find((one) => one === next) ?? part)}
      >
        {parts.length > 1 && (
          <TabStrip
            label="Parts of people and teams"
            tabs={parts.map((one) => [one, words[one]])}
            value={part}
          />
        )}
        <Tabs.Panel value="members" pt="lg">
          <Members />
        </Tabs.Panel>
        <Tabs.Panel value="invitations" pt="lg">
          <Invitations />
        </Tabs.Panel>
        {parts.length === 1 ? (
          <Teams />
        ) : (
          <Tabs.Panel value="teams" pt="lg">
            <Teams />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="directory" pt="lg">
          <Directory />
        </Tabs.Panel>
      </Tabs>
      {isInviting && (
        <Invite
          onClose={() => {
            setIsInviting(false)
            setPart('invitations')
          }}
        />
      )}
    </Page>
  )
}
