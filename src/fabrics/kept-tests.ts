import { AppError } from '../base/errors.ts'
import { asId, type FabricId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { AppConnectionRow } from '../store/app-connections.ts'
import {
  type ConnectionTestRow,
  listConnectionTests,
  replaceConnectionTest
} from '../store/connection-tests.ts'
import type { Tx } from '../store/db.ts'
import { type FabricRow, findFabric, type ServicePrincipalRow } from '../store/fabrics.ts'
import { findUserGrant } from '../store/grants.ts'
import { type FabricDeps, mustFindFabric } from './fabric-deps.ts'
import { appConnectionOf } from './fabric-view.ts'
import type { Fabrics } from './fabrics.ts'
import { grantKeyOf } from './own-grant.ts'
import {
  type TestAs,
  type TestRecord,
  type TestResult,
  type TestSubject,
  testSubjectParts
} from './test-results.ts'

export interface KeptTests extends Pick<Fabrics, 'testResults'> {
  /** In place of the one before; of a fabric that is gone meanwhile, nothing is kept. */
  keep(
    scope: TenantScope,
    id: FabricId,
    as: TestAs,
    subject: TestSubject,
    result: TestResult
  ): Promise<void>
}

/** The latest test of each fabric as each identity. */
export function createKeptTests({ db, clock }: Pick<FabricDeps, 'db' | 'clock'>): KeptTests {
  return {
    async keep(scope, id, as, subject, result) {
      const testedAt = clock.now()
      const testedBy = scope.actor.id
      await db.inTenant(scope, async (tx) => {
        if ((await findFabric(tx, id)) === null) return
        const row = { fabricId: id, identity: as, testedBy, testedAt }
        await replaceConnectionTest(tx, { ...row, subject, result: plainOf(result) })
      })
    },

    testResults: async (scope, id) =>
      await db.inTenant(scope, async (tx) => {
        const row = await mustFindFabric(tx, id, 'fabric.get')
        const kept = await listConnectionTests(tx, id, scope.actor.id)
        const now = clock.now()
        const latest = async (as: TestAs) => {
          const found = kept.find(({ identity }) => identity === as)
          return found === undefined ? null : viewTest(as, found, await subjectOf(tx, row, as), now)
        }
        return { user: await latest('user'), servicePrincipal: await latest('service_principal') }
      })
  }
}

/** What a test as this identity is about, as things stand. Nothing in it is secret. */
export async function subjectOf(tx: Tx, row: FabricRow, as: TestAs): Promise<TestSubject> {
  const { warehouseId, clusterId, httpPath, catalog, schema, isServerless } = row
  const connection = as === 'user' ? await appConnectionOf(tx, row) : null
  const principal = as === 'user' ? null : row.servicePrincipal
  return {
    workspaceUrl: row.workspaceOrigin,
    authMethod: row.authMethod,
    appConnection: connection === null ? null : textOf(connection),
    servicePrincipal: principal === null ? null : textOfPrincipal(principal),
    compute: JSON.stringify([warehouseId, clusterId, httpPath, catalog, schema, isServerless]),
    signIn: as === 'user' ? await signInOf(tx, row) : null
  }
}

function textOf(connection: AppConnectionRow): string {
  const { id, clientId, scopes, allowedHosts, isDisabled, clientSecrets } = connection
  const secretIds = clientSecrets.map((secret) => secret.id)
  return JSON.stringify([id, clientId, secretIds, scopes, allowedHosts, isDisabled])
}

function textOfPrincipal({ clientId, isFederated, clientSecrets }: ServicePrincipalRow): string {
  return JSON.stringify([clientId, isFederated, clientSecrets.map(({ id }) => id)])
}

async function signInOf(tx: Tx, row: FabricRow): Promise<string | null> {
  const key = await grantKeyOf(tx, row, tx.scope.actor.id)
  const grant = key === null ? null : await findUserGrant(tx, key)
  return grant === null ? null : `${grant.id} ${grant.signedInAt?.toISOString()}`
}

function viewTest(as: TestAs, row: ConnectionTestRow, now: TestSubject, at: Date): TestRecord {
  const { subject, result, testedAt, testedBy, testerName } = row
  const changedSince = testSubjectParts.filter((part) => memberOf(subject, part) !== now[part])
  return {
    as,
    testedAt,
    ageSeconds: Math.max(0, Math.floor((at.getTime() - testedAt.getTime()) / 1_000)),
    testedBy: { id: asId('user', testedBy), name: testerName },
    isOutdated: changedSince.length > 0,
    changedSince,
    result: resultOf(result)
  }
}

function memberOf(json: ConnectionTestRow['subject'], name: string): unknown {
  return typeof json === 'object' && json !== null ? (Reflect.get(json, name) ?? null) : null
}

/** As JSON has it: without members that are not set, times as text. */
function plainOf(result: TestResult) {
  return JSON.parse(JSON.stringify(result))
}

/** Read back as `keep` wrote it. */
function resultOf(json: ConnectionTestRow['result']): TestResult {
  if (typeof json !== 'object' || json === null || !('steps' in json)) {
    throw new AppError('internal', { note: 'a kept test that is none' })
  }
  const result = json as unknown as TestResult // this file alone writes the column
  return {
    ...result,
    steps: result.steps.map(({ retryAt, ...step }) =>
      retryAt === undefined ? step : { ...step, retryAt: new Date(retryAt) }
    )
  }
}
