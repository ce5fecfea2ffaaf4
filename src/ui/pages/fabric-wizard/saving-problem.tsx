import { SaveProblem } from '../../parts/conflict.tsx'
import type { useSaving } from './use-saving.ts'
import { type Fabric, type Form, patchOf, type Values, valuesOf } from './values.ts'

const labels = {
  name: 'Name',
  description: 'What it is for',
  production: 'Production',
  workspace: 'Workspace',
  principal: 'Service principal',
  use: 'Who may act as it',
  compute: 'Compute',
  namespace: 'Catalog and schema',
  jobSizes: 'Job sizes'
}

function shown(values: Values) {
  const { warehouseId, clusterId, serverless, catalog, schema } = values.compute
  return {
    name: values.name,
    description: values.description,
    production: values.production ? 'yes' : 'no',
    workspace: values.address,
    principal: values.hasPrincipal ? values.servicePrincipal.clientId : '',
    use: values.servicePrincipalUse === 'team' ? 'everybody in the team' : 'admins',
    compute: serverless ? 'serverless' : warehouseId || clusterId,
    namespace: [catalog, schema].filter(Boolean).join('.'),
    jobSizes: values.jobSizes
  }
}

/** What one changed oneself, on top of what stands there now. */
function merged(values: Values, base: Fabric, theirs: Fabric): Values {
  const before = valuesOf(base)
  const changed = Object.entries(values).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(before, name))
  )
  return { ...valuesOf(theirs), ...Object.fromEntries(changed) }
}

interface Props {
  readonly form: Form
  readonly saving: ReturnType<typeof useSaving>
  readonly onSaved: () => void
}

/** Why it was not saved; where somebody else saved in between, the choice of whose settings hold. */
export function SavingProblem({ form, saving, onSaved }: Props) {
  const { base, theirs } = saving
  const overwrite = async () => {
    if (theirs !== null && (await saving.save(theirs))) onSaved()
  }
  return (
    <SaveProblem
      error={saving.error}
      mine={shown(theirs ? merged(form.values, base, theirs) : form.values)}
      theirs={theirs ? shown(valuesOf(theirs)) : undefined}
      labels={labels}
      onOverwrite={overwrite}
      onTakeTheirs={saving.takeTheirs}
    />
  )
}

/** Whether anything is typed that is not saved. */
export const isChanged = (form: Form, base: Fabric): boolean =>
  Object.keys(patchOf(form.values, base)).length > 0
