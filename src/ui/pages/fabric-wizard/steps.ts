import { understand } from './address.ts'
import { type Fabric, isJobSizes, type Values } from './values.ts'

export const steps = [
  { id: 'basics', words: 'Basics' },
  { id: 'workspace', words: 'Provider and workspace' },
  { id: 'authentication', words: 'Authentication' },
  { id: 'compute', words: 'Compute' },
  { id: 'test', words: 'Test' },
  { id: 'complete', words: 'Complete' }
] as const

export type StepId = (typeof steps)[number]['id']

export const isStep = (text: unknown): text is StepId => steps.some(({ id }) => id === text)

export const stepBeside = (step: StepId, by: 1 | -1): StepId =>
  steps[steps.findIndex(({ id }) => id === step) + by]?.id ?? step

type Faults = Record<string, string>

/** What is wrong with a step as it is typed; the API says the rest. */
const checks: Readonly<Record<StepId, (values: Values, fabric: Fabric | null) => Faults>> = {
  basics: ({ name, teamId }) => ({
    ...(name.trim() === '' && { name: 'Give it a name' }),
    ...(teamId === '' && { teamId: 'Choose the team that it belongs to' })
  }),
  workspace: ({ address, kind }) => {
    const understood = understand(address)
    if (understood === null) return { address: 'Paste the address of a workspace' }
    const named = understood.compute?.kind
    if (named === undefined || (named === 'warehouse') === (kind === 'sql')) return {}
    return { address: `It names a ${named}, which a fabric of this kind does not have` }
  },
  authentication: (values, fabric) => {
    const { clientId, proof, clientSecret } = values.servicePrincipal
    if (!values.hasPrincipal) {
      return values.production ? { hasPrincipal: 'A production fabric needs one' } : {}
    }
    const isMoved = fabric !== null && fabric.workspaceUrl !== values.address.trim()
    const kept = isMoved ? null : (fabric?.servicePrincipal ?? null)
    const isKept = kept?.clientId === clientId.trim() && !kept.federated
    return {
      ...(clientId.trim() === '' && { 'servicePrincipal.clientId': 'Give its client ID' }),
      ...(proof === 'secret' &&
        clientSecret === '' &&
        !isKept && { 'servicePrincipal.clientSecret': 'Give its OAuth secret' })
    }
  },
  compute: ({ kind, compute, jobSizes }) => ({
    ...(kind === 'sql' &&
      compute.warehouseId === '' &&
      (compute.catalog !== '' || compute.schema !== '') && {
        'compute.warehouseId': 'A catalog and a schema need a warehouse'
      }),
    ...(!isJobSizes(jobSizes) && { jobSizes: 'This is no JSON list' })
  }),
  test: () => ({}),
  complete: () => ({})
}

export const faultsOf = (step: StepId, values: Values, fabric: Fabric | null): Faults =>
  checks[step](values, fabric)

/** Where a field stands, to lead there from what is wrong or missing. */
export function stepOfField(name: string): StepId {
  if (name === 'address') return 'workspace'
  if (/^(servicePrincipal|appConnection|authMethod)/.test(name)) return 'authentication'
  if (/^(compute|jobSizes)/.test(name)) return 'compute'
  return 'basics'
}
