import { Button, Group, Stack, TagsInput } from '@mantine/core'
import { useState } from 'react'
import { useCall } from '../../api/queries.ts'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Section } from '../../parts/section.tsx'
import { toast } from '../../parts/toast.ts'
import type { AccountProps } from './account-props.ts'

/** Where it may call from. */
export function Networks({ account }: AccountProps) {
  const { id, version, allowedNetworks } = account
  const [draft, setDraft] = useState<string[] | null>(null)
  const networks = draft ?? allowedNetworks
  const update = useCall('serviceAccountUpdate', ['serviceAccountGet', 'serviceAccountList'])
  const isChanged = networks.join() !== allowedNetworks.join()
  const save = () =>
    update.mutate(
      { path: { serviceAccountId: id }, body: { allowedNetworks: networks, version } },
      {
        onSuccess: () => {
          toast('The networks are saved')
          setDraft(null)
        }
      }
    )
  return (
    <Section
      title="Networks"
      description="Where it may call from. From elsewhere its keys and tokens are refused, and the audit says from where."
    >
      <Stack px="lg" pb="lg" gap="sm" maw={680}>
        <TagsInput
          label="Networks"
          description="As CIDR, such as 192.0.2.0/24. Leave empty for anywhere."
          placeholder={networks.length === 0 ? 'Anywhere' : ''}
          value={networks}
          onChange={setDraft}
          splitChars={[',', ' ']}
          acceptValueOnBlur
          clearable={false}
        />
        {update.isError && <ProblemView error={update.error} />}
        {isChanged && (
          <Group gap="sm">
            <Button size="xs" loading={update.isPending} onClick={save}>
              Save the networks
            </Button>
            <Button size="xs" variant="default" onClick={() => setDraft(null)}>
              Leave them
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  )
}
