import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link } from '@tanstack/react-router'
import type { FormEvent } from 'react'
import { Page } from '../../parts/page.tsx'
import { Section } from '../../parts/section.tsx'
import { toast } from '../../parts/toast.ts'
import { AuthenticationFields } from './authentication-fields.tsx'
import { BasicsFields } from './basics-fields.tsx'
import { ComputeFields } from './compute-fields.tsx'
import { descriptions } from './descriptions.ts'
import { DeleteFabric } from './fabric-removal.tsx'
import { isChanged, SavingProblem } from './saving-problem.tsx'
import { faultsOf, steps } from './steps.ts'
import { useSaving } from './use-saving.ts'
import { type Fabric, type FieldsProps, type Values, valuesOf } from './values.ts'
import { WorkspaceFields } from './workspace-fields.tsx'
import './fabric-wizard.css'

interface PartProps extends FieldsProps {
  readonly fabric: Fabric
}

const parts = {
  basics: ({ form }: PartProps) => <BasicsFields form={form} isMade />,
  workspace: WorkspaceFields,
  authentication: AuthenticationFields,
  compute: ComputeFields
}

/** The settings of a complete fabric: the wizard's steps as one form. */
export function Settings({ fabric }: { readonly fabric: Fabric }) {
  const form = useForm<Values>({ initialValues: valuesOf(fabric) })
  const saving = useSaving(fabric, form)
  const { base } = saving
  const saved = () => toast('Saved: it holds from now on')
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const faults = Object.assign({}, ...steps.map(({ id }) => faultsOf(id, form.getValues(), base)))
    form.setErrors(faults)
    if (Object.keys(faults).length === 0 && (await saving.save())) saved()
  }
  const isDirty = isChanged(form, base)
  return (
    <Page
      title={`Settings of ${base.name}`}
      description="Changes hold within seconds, for everybody who uses it."
      actions={
        <Anchor
          size="sm"
          renderRoot={(props) => (
            <Link
              to="/fabrics/$fabricId/$tab"
              params={{ fabricId: fabric.id, tab: 'connection' }}
              {...props}
            />
          )}
        >
          Back to the fabric
        </Anchor>
      }
    >
      <Stack gap="lg" maw={860}>
        <form onSubmit={submit} noValidate aria-label="Settings">
          <Stack gap="lg">
            {steps.map(({ id, words }) => {
              const Part = id === 'test' || id === 'complete' ? null : parts[id]
              return (
                Part && (
                  <Section key={id} title={words} description={descriptions[id]}>
                    <div className="settings-part">
                      <Part form={form} fabric={base} />
                    </div>
                  </Section>
                )
              )
            })}
            <SavingProblem form={form} saving={saving} onSaved={saved} />
            <Group justify="flex-end" gap="sm" className="card settings-foot">
              <Text size="sm" c="dimmed" role="status">
                {isDirty ? 'Not saved yet' : 'All is saved'}
              </Text>
              <Button type="submit" loading={saving.isSaving} disabled={!isDirty}>
                Save
              </Button>
            </Group>
          </Stack>
        </form>
        <DeleteFabric fabric={base} />
      </Stack>
    </Page>
  )
}
