import { testSteps, testSubjectParts } from '../../fabrics/test-results.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Time } from '../route.ts'
import { newFabricMembers } from './fabric.ts'
import { Owner } from './problem.ts'

const TestAs = Type.Enum(['user', 'service_principal'], { type: 'string' })
export const TestBody = Strict({ as: TestAs }, { title: 'ConnectionTest' })
export const UnsavedTestBody = Strict(
  { ...newFabricMembers, as: TestAs },
  { title: 'UnsavedConnectionTest' }
)

const TestStepResult = Strict(
  {
    step: Type.Enum([...testSteps], { type: 'string' }),
    status: Type.Enum(['passed', 'failed', 'skipped'], { type: 'string' }),
    code: Type.Optional(Type.String()),
    detail: Type.Optional(Type.String()),
    owner: Type.Optional(Owner),
    action: Type.Optional(Type.String({ description: 'What the owner should do' })),
    actionUrl: Type.Optional(Type.String({ description: 'Where a sign-in mends it' })),
    retryAt: Type.Optional(Time),
    note: Type.Optional(
      Strict(
        {
          code: Type.String(),
          detail: Type.String(),
          owner: Type.Optional(Owner),
          action: Type.Optional(Type.String())
        },
        {
          description:
            'Of a step that passed: worth knowing, such as `compute_stopped`; with an `owner` it is a warning'
        }
      )
    ),
    durationMs: Type.Number()
  },
  { title: 'TestStepResult' }
)

export const TestResult = Strict(
  {
    ok: Type.Boolean(),
    identity: Nullable(Strict({ userName: Type.String(), id: Type.String(), kind: TestAs })),
    steps: Type.Array(TestStepResult)
  },
  { title: 'TestResult' }
)

const TestRecord = Strict(
  {
    as: TestAs,
    testedAt: Time,
    ageSeconds: Type.Integer(),
    testedBy: Strict({ id: IdOfKind('user'), name: Type.String() }),
    isOutdated: Type.Boolean(),
    changedSince: Type.Array(Type.Enum([...testSubjectParts], { type: 'string' })),
    result: TestResult
  },
  { title: 'TestRecord' }
)

export const TestResults = Strict(
  { user: Nullable(TestRecord), servicePrincipal: Nullable(TestRecord) },
  { title: 'TestResults', description: 'Null: never tested' }
)
