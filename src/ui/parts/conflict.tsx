import { Alert, Button, Group, Stack, Table, Text } from '@mantine/core'
import { isCode } from '../api/problem.ts'
import { ProblemView } from './problem-view.tsx'

interface Props<Values extends object> {
  readonly error: unknown
  /** What one typed, and what stands there now, asked for anew. */
  readonly mine: Values
  readonly theirs: Values | undefined
  readonly labels: Readonly<Partial<Record<keyof Values & string, string>>>
  /** Saves again, on top of the version that stands now. */
  readonly onOverwrite: () => void
  /** Takes over what stands now. */
  readonly onTakeTheirs: () => void
}

const shown = (value: unknown) =>
  value === null || value === undefined || value === '' ? '–' : String(value)

/** What to do about a failed save: where somebody else saved first, what they changed and which of both holds. */
export function SaveProblem<Values extends object>(props: Props<Values>) {
  const { error, mine, theirs, labels } = props
  if (error === null || error === undefined) return null
  if (!isCode(error, 'version_conflict') || theirs === undefined)
    return <ProblemView error={error} />
  const different = Object.entries(labels).filter(
    ([name]) => Reflect.get(mine, name) !== Reflect.get(theirs, name)
  )
  return (
    <Alert color="yellow" variant="light" title="Somebody else saved this in between" role="alert">
      <Stack gap="sm">
        {different.length > 0 && (
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Setting</Table.Th>
                <Table.Th>Theirs</Table.Th>
                <Table.Th>Yours</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {different.map(([name, label]) => (
                <Table.Tr key={name}>
                  <Table.Td>{String(label)}</Table.Td>
                  <Table.Td>{shown(Reflect.get(theirs, name))}</Table.Td>
                  <Table.Td>{shown(Reflect.get(mine, name))}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
        <Text size="sm">What you typed is still here.</Text>
        <Group gap="sm">
          <Button size="xs" onClick={props.onOverwrite}>
            Save mine
          </Button>
          <Button size="xs" variant="default" onClick={props.onTakeTheirs}>
            Take theirs
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
