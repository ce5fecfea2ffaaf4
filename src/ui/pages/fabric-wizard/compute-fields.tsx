import {
  Group,
  JsonInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput
} from '@mantine/core'
import { useState } from 'react'
import type { Schemas } from '../../generated/operations.ts'
import { ResourcePicker } from './resource-picker.tsx'
import type { Fabric, FieldsProps } from './values.ts'

interface Props extends FieldsProps {
  readonly fabric: Fabric
}

const example = '[{ "name": "small", "cluster": { "spark_version": "16.4.x-scala2.12", … } }]'

/** What it runs on; left out where it is to ask serving endpoints alone. */
export function ComputeFields({ form, fabric }: Props) {
  const [as, setAs] = useState<Schemas['ConnectionTest']['as']>('user')
  const { compute } = form.values
  const isSql = fabric.kind === 'sql'
  return (
    <Stack gap="lg">
      <Text size="sm" c="dimmed">
        Choose from what the workspace has. You can leave it out: serving endpoints are asked
        without any.
      </Text>
      {!isSql && (
        <Choice
          label="Run on"
          value={compute.serverless ? 'serverless' : 'cluster'}
          onChange={(value) => form.setFieldValue('compute.serverless', value === 'serverless')}
          data={[
            { value: 'cluster', label: 'A cluster' },
            { value: 'serverless', label: 'Serverless' }
          ]}
        />
      )}
      {!compute.serverless && (
        <Stack gap="sm">
          {fabric.servicePrincipal && (
            <Choice
              label="Show what may be used by"
              value={as}
              onChange={(value) => setAs(value === 'user' ? 'user' : 'service_principal')}
              data={[
                { value: 'user', label: 'Me' },
                { value: 'service_principal', label: 'The service principal' }
              ]}
            />
          )}
          <ResourcePicker
            key={as}
            fabricId={fabric.id}
            as={as}
            kind={isSql ? 'warehouse' : 'cluster'}
            value={isSql ? compute.warehouseId : compute.clusterId}
            onChange={(id) =>
              form.setFieldValue(isSql ? 'compute.warehouseId' : 'compute.clusterId', id)
            }
            error={form.errors[isSql ? 'compute.warehouseId' : 'compute.clusterId']}
          />
        </Stack>
      )}
      {isSql ? (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label="Catalog"
            description="Where names without one are looked up."
            spellCheck={false}
            {...form.getInputProps('compute.catalog')}
          />
          <TextInput
            label="Schema"
            description="Within the catalog."
            spellCheck={false}
            {...form.getInputProps('compute.schema')}
          />
        </SimpleGrid>
      ) : (
        <JsonInput
          label="Job sizes"
          description="The clusters that a deployment can be given, by name, as Databricks’ new_cluster. No secret belongs in it."
          placeholder={example}
          validationError="This is no JSON list"
          autosize
          minRows={3}
          maxRows={16}
          spellCheck={false}
          classNames={{ input: 'mono' }}
          {...form.getInputProps('jobSizes')}
        />
      )}
    </Stack>
  )
}

interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly data: { readonly value: string; readonly label: string }[]
}

function Choice({ label, ...props }: ChoiceProps) {
  return (
    <Group gap="sm">
      <Text size="sm" fw={500}>
        {label}
      </Text>
      <SegmentedControl size="xs" aria-label={label} {...props} />
    </Group>
  )
}
