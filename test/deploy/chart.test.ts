import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as cilium from '@kubernetes-models/cilium/cilium.io/v2'
import * as monitoring from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import * as apps from 'kubernetes-models/apps/v1'
import * as autoscaling from 'kubernetes-models/autoscaling/v2'
import * as batch from 'kubernetes-models/batch/v1'
import * as networking from 'kubernetes-models/networking.k8s.io/v1'
import * as policy from 'kubernetes-models/policy/v1'
import * as core from 'kubernetes-models/v1'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readText } from '../house/source.ts'
import { chart, type Manifest, manifestsOf, renderChart, type Values, valuesOf } from './helm.ts'
import { findProgram } from './program.ts'

const examples = readdirSync(join(chart, 'examples'))
const valuesOfExample = (file: string): Values => valuesOf(`examples/${file}`)

interface Model {
  validate(): void
}

/** Each kind that the chart makes, by the schema of its own project, which lets members pass that it does not know. */
const models: Readonly<Record<string, new (data: never) => Model>> = {
  Deployment: apps.Deployment,
  HorizontalPodAutoscaler: autoscaling.HorizontalPodAutoscaler,
  Job: batch.Job,
  Ingress: networking.Ingress,
  NetworkPolicy: networking.NetworkPolicy,
  PodDisruptionBudget: policy.PodDisruptionBudget,
  Service: core.Service,
  ServiceAccount: core.ServiceAccount,
  ServiceMonitor: monitoring.ServiceMonitor,
  PrometheusRule: monitoring.PrometheusRule,
  CiliumNetworkPolicy: cilium.CiliumNetworkPolicy
}

function check(manifest: Manifest): void {
  const Kind = models[manifest.kind]
  if (Kind === undefined) throw new TypeError(`no schema of ${manifest.kind}`)
  new Kind(manifest as never).validate() // whatever it is, the schema says
}

const everything: Values = {
  ...valuesOfExample('cloudnative-pg.yaml'),
  fabricDomain: 'fabrics.example.com',
  extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/ca/ca.pem' }],
  metrics: {
    enabled: true,
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true }
  }
}

/** Each of its pods' specs, with the kind that it stands in. */
function podsOf(manifests: readonly Manifest[]) {
  return manifests.flatMap((manifest) => {
    if (manifest.kind !== 'Deployment' && manifest.kind !== 'Job') return []
    const { spec } = manifest as unknown as { spec: { template: { spec: PodSpec } } } // checked above
    return [{ kind: manifest.kind, pod: spec.template.spec }]
  })
}

interface PodSpec {
  readonly automountServiceAccountToken: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly securityContext: unknown
  readonly containers: readonly {
    readonly securityContext: unknown
    readonly env: readonly { readonly name: string; readonly value?: string }[]
  }[]
}

describe('the chart', () => {
  test.each(examples)('%s renders to what Kubernetes takes', (file) => {
    const manifests = renderChart(valuesOfExample(file))
    expect(manifests.length).toBeGreaterThan(4)
    for (const manifest of manifests) check(manifest)
  })

  test('everything at once renders to what Kubernetes takes, each kind once or twice', () => {
    const manifests = renderChart(everything)
    for (const manifest of manifests) check(manifest)
    const kinds = new Set(manifests.map(({ kind }) => kind))
    expect([...kinds].sort()).toEqual(
      Object.keys(models)
        .filter((kind) => kind !== 'CiliumNetworkPolicy')
        .sort()
    )
    const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
  })

  test('J6 no pod runs as root, writes to its root, has a capability or a token that it does not need', () => {
    const pods = podsOf(renderChart(everything))
    expect(pods.map(({ kind }) => kind)).toEqual(['Deployment', 'Job'])
    for (const { pod } of pods) {
      expect(pod.automountServiceAccountToken).toBe(false)
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' }
      })
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] }
        })
      }
    }
  })

  test('J6 the owner’s URL is in the migrations alone, and no secret in any value', () => {
    for (const { kind, pod } of podsOf(renderChart(everything))) {
      const env = pod.containers.flatMap((container) => container.env)
      const names = env.map(({ name }) => name)
      expect(names.includes('WEFT_OWNER_DATABASE_URL')).toBe(kind === 'Job')
      const plain = env.filter(({ value }) => value !== undefined).map(({ name }) => name)
      expect(plain.filter((name) => /DATABASE|SECRET|KEY_RING$|PASSWORD/.test(name))).toEqual([])
    }
  })

  test('E4 egress is refused but for DNS, the database and port 443 of public addresses', () => {
    const policies = renderChart(everything).filter(({ kind }) => kind === 'NetworkPolicy')
    expect(policies).toMatchObject([
      {
        spec: {
          policyTypes: ['Ingress', 'Egress'],
          egress: [
            { ports: [{ port: 53 }, { port: 53 }], to: [{}] },
            { ports: [{ port: 5432 }], to: [{}, {}] },
            { ports: [{ port: 443 }], to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }
          ]
        }
      }
    ])
    expect(JSON.stringify(policies)).toContain('169.254.0.0/16')
  })

  test('H4 a pod has longer to end than it takes: leaving the endpoints and Weft’s own deadline', () => {
    const { preStopSeconds, terminationGracePeriodSeconds } = valuesOf('values.yaml')
    expect(Number(terminationGracePeriodSeconds)).toBeGreaterThan(Number(preStopSeconds) + 25)
  })

  test.each<[what: string, values: Values, message: RegExp]>([
    ['no public URL', { publicUrl: '' }, /publicUrl/],
    ['a public URL without TLS', { publicUrl: 'http://weft.example.com' }, /publicUrl/],
    ['a value that is not there', { replicaCount: 3 }, /additional properties/],
    ['a proxy that is no range', { trustedProxies: ['true'] }, /trustedProxies/],
    ['no key', { keys: { ring: { existingSecret: '' } } }, /keys.ring.existingSecret or keys.kms/],
    ['no database', { database: { app: { existingSecret: '' } } }, /database.app.existingSecret/],
    ['no owner for the job', { database: { owner: { existingSecret: '' } } }, /database.owner/],
    ['no place of the database', { networkPolicy: { postgres: { to: [] } } }, /postgres.to/],
    [
      'a monitor without metrics',
      { metrics: { serviceMonitor: { enabled: true } } },
      /metrics.enabled/
    ],
    ['too little time to end', { terminationGracePeriodSeconds: 10 }, /terminationGrace/]
  ])('%s is refused', (_what, values, message) => {
    const base = valuesOfExample('cloudnative-pg.yaml')
    const merged = Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const own = base[name]
        const isDeep = typeof own === 'object' && !Array.isArray(own) && !Array.isArray(value)
        return [name, isDeep ? { ...own, ...(value as object) } : value] // an object beside an object
      })
    )
    expect(() => renderChart({ ...base, ...merged })).toThrow(message)
  })

  test('the alerts are those of deploy/prometheus, or the groups that are given', () => {
    const groupsOf = (manifests: readonly Manifest[]) =>
      manifests.find(({ kind }) => kind === 'PrometheusRule')?.spec
    const { groups } = parse(readText('deploy/prometheus/weft-alerts.yaml'))
    expect(groupsOf(renderChart(everything))).toEqual({ groups })
    const own = [{ name: 'weft', rules: [{ alert: 'WeftDown', expr: 'up == 0', for: '5m' }] }]
    const metrics = { prometheusRule: { enabled: true, groups: own } }
    expect(groupsOf(renderChart({ ...everything, metrics }))).toEqual({ groups: own })
  })

  test('what Kubernetes does not take is seen', () => {
    const [manifest] = renderChart(everything).filter(({ kind }) => kind === 'PodDisruptionBudget')
    expect(() => check({ ...manifest, spec: 'none' } as unknown as Manifest)).toThrow()
  })
})

const helm = findProgram('helm')
if (helm === null)
  process.stderr.write('skipped, no Helm: that it renders the chart like our engine\n')

describe.skipIf(helm === null)('Helm itself', () => {
  test.each(examples)('renders %s to the same resources', (file) => {
    const args = ['template', 'weft', chart, '--namespace', 'weft', '--kube-version', '1.31.0']
    const text = execFileSync(helm ?? '', [...args, '--values', join(chart, 'examples', file)])
    const byName = (one: Manifest) => `${one.kind}/${one.metadata.name}`
    const sorted = (all: Manifest[]) => all.toSorted((a, b) => byName(a).localeCompare(byName(b)))
    expect(sorted(manifestsOf(String(text)))).toEqual(sorted(renderChart(valuesOfExample(file))))
  })

  test('finds nothing to complain of', () => {
    const values = join(chart, 'examples', 'aws.yaml')
    const text = execFileSync(helm ?? '', ['lint', chart, '--strict', '--values', values])
    expect(String(text)).toContain('0 chart(s) failed')
  })
})
