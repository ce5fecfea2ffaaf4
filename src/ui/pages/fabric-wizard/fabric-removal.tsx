import { Button, List } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { queryOf, useCall } from '../../api/queries.ts'
import { type Question, useConfirm } from '../../parts/confirm.tsx'
import { ProblemView } from '../../parts/problem-view.tsx'
import { Section } from '../../parts/section.tsx'
import { toast } from '../../parts/toast.ts'
import type { Fabric } from './values.ts'

interface Props {
  readonly fabric: Fabric
}

/** Asks, deletes, and leads to the list. */
function useRemoval(fabric: Fabric, question: Question, done: string) {
  const navigate = useNavigate()
  const confirm = useConfirm()
  const remove = useCall('fabricDelete', ['fabricList', 'capabilityList'])
  const ask = async () => {
    if (!(await confirm(question))) return
    try {
      await remove.mutateAsync({ path: { fabricId: fabric.id } })
    } catch {
      return // shown beside the button
    }
    toast(done)
    await navigate({ to: '/fabrics' })
  }
  return { ask, remove }
}

export function DeleteDraft({ fabric }: Props) {
  const question = {
    title: `Delete the draft ${fabric.name}?`,
    text: 'What was set so far is gone. Nobody works with it yet.',
    action: 'Delete the draft',
    isDangerous: true
  }
  const { ask, remove } = useRemoval(fabric, question, 'The draft is deleted')
  if (remove.isError) return <ProblemView error={remove.error} />
  return (
    <Button variant="subtle" color="red" loading={remove.isPending} onClick={ask}>
      Delete the draft
    </Button>
  )
}

/** The end of a fabric that people use: what goes with it, and its name to be typed. */
export function DeleteFabric({ fabric }: Props) {
  const { id: fabricId, name } = fabric
  const query = { limit: 50 }
  const deployments = useQuery(queryOf('deploymentList', { path: { fabricId }, query }))
  const names = deployments.data?.items.map((one) => one.name) ?? []
  const question = {
    title: `Delete ${name}?`,
    text: (
      <List size="sm">
        <List.Item>
          Everything that calls through it is refused at once: people, service accounts, clients.
        </List.Item>
        {fabric.servicePrincipal && (
          <List.Item>
            The secrets of its service principal are deleted here; at Databricks they stay.
          </List.Item>
        )}
        {names.length > 0 && (
          <List.Item>
            The jobs of {names.join(', ')} stay at the workspace, and their schedules go on. Delete
            the deployments first if they should not.
          </List.Item>
        )}
        <List.Item>
          Its tests and usage are gone. The audit stays, and so do people’s own sign-ins at the
          workspace.
        </List.Item>
      </List>
    ),
    action: 'Delete the fabric',
    isDangerous: true,
    typed: name
  }
  const { ask, remove } = useRemoval(fabric, question, `${name} is deleted`)
  return (
    <Section
      title="Delete this fabric"
      description="For everybody in its team. It cannot be brought back."
      action={
        <Button
          variant="light"
          color="red"
          size="xs"
          disabled={deployments.isPending}
          loading={remove.isPending}
          onClick={ask}
        >
          Delete the fabric
        </Button>
      }
    >
      {remove.isError && <ProblemView error={remove.error} />}
    </Section>
  )
}
