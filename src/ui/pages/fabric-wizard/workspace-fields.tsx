import { Alert, Anchor, Stack, Text, Textarea } from '@mantine/core'
import { IconBrandDatabricks } from '@tabler/icons-react'
import { Facts } from '../../parts/facts.tsx'
import { isJdbc, understand, withoutCredentials } from './address.ts'
import type { Fabric, FieldsProps, Values } from './values.ts'

interface Props extends FieldsProps {
  /** Null: not made yet, so its kind can still be another. */
  readonly fabric: Fabric | null
}

const hostOf = (fabric: Fabric) => fabric.workspaceUrl.replace(/^https?:\/\//, '')
const isSame = (fabric: Fabric, host: string) => hostOf(fabric) === host

export function WorkspaceFields({ form, fabric }: Props) {
  const { address, kind } = form.values
  const understood = understand(address)
  const named = understood?.compute
  const otherKind: Values['kind'] = kind === 'sql' ? 'spark' : 'sql'
  const isOther =
    named !== null && named !== undefined && (named.kind === 'cluster') === (kind === 'sql')

  const take = (typed: string) => {
    const text = withoutCredentials(typed)
    form.setFieldValue('address', text)
    const found = understand(text)?.compute
    if (found?.kind === 'warehouse') form.setFieldValue('compute.warehouseId', found.id)
    if (found?.kind === 'cluster') form.setFieldValue('compute.clusterId', found.id)
  }
  return (
    <Stack gap="lg">
      <div className="choice" data-checked>
        <IconBrandDatabricks size={22} stroke={1.6} aria-hidden />
        <div>
          <Text fw={600} size="sm">
            Databricks
          </Text>
          <Text size="sm" c="dimmed">
            On AWS, Azure or Google Cloud.
          </Text>
        </div>
      </div>
      <Textarea
        label="Workspace URL or JDBC string"
        description="As your browser shows it, or from Connection details of a warehouse or cluster."
        placeholder="https://adb-1234567890123456.7.azuredatabricks.net"
        withAsterisk
        autosize
        minRows={1}
        maxRows={6}
        spellCheck={false}
        {...form.getInputProps('address')}
        onChange={(event) => take(event.currentTarget.value)}
      />
      {understood && (
        <section className="understood" aria-label="What Weft understood" aria-live="polite">
          <Text size="sm" fw={600} mb={8}>
            What Weft understood
          </Text>
          <Facts
            facts={[
              ['Workspace', understood.host],
              ['Cloud', understood.cloud ?? 'Not known by its name'],
              ['Workspace ID', understood.workspaceId],
              [named?.kind === 'cluster' ? 'Cluster' : 'Warehouse', named?.id],
              ['User and password', isJdbc(address) && 'left out: nobody shares one here']
            ]}
          />
        </section>
      )}
      {fabric?.servicePrincipal && understood && !isSame(fabric, understood.host) && (
        <Alert color="yellow" variant="light" title="This is another workspace">
          <Text size="sm">
            The service principal’s secret and people’s sign-ins are of {hostOf(fabric)} and stay
            behind. Give the secret of the new workspace’s service principal.
          </Text>
        </Alert>
      )}
      {isOther && (
        <Alert color="yellow" variant="light" title={`This names a ${named.kind}`}>
          <Text size="sm">
            A {kind === 'sql' ? 'SQL' : 'Spark'} fabric runs on a{' '}
            {kind === 'sql' ? 'warehouse' : 'cluster'}.{' '}
            {fabric === null && (
              <Anchor
                component="button"
                type="button"
                inherit
                onClick={() => form.setFieldValue('kind', otherKind)}
              >
                Make it a {otherKind === 'sql' ? 'SQL' : 'Spark'} fabric
              </Anchor>
            )}
          </Text>
        </Alert>
      )}
    </Stack>
  )
}
