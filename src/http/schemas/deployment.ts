import { deploymentStates, jobStates, runStates } from '../../fabrics/deployments/deployments.ts'
import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'
import { Owner } from './problem.ts'

const Schedule = Strict(
  {
    quartzCronExpression: Text(120, { examples: ['0 0 3 * * ?'] }),
    timezoneId: Text(64, { examples: ['Europe/Berlin'] }),
    pauseStatus: Type.Enum(['PAUSED', 'UNPAUSED'], { type: 'string' })
  },
  { description: "The job's own schedule" }
)

export const DeploymentName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
  description: 'Chosen by whoever deploys; unique within the fabric'
})

export const DeploymentBody = Strict(
  {
    settings: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      description:
        "Databricks' own job settings (`tasks`, `job_clusters`, `parameters`, …), at most 128 KiB. What Weft owns of them is refused: `name`, `run_as`, `schedule`, `access_control_list`, `deployment`, `edit_mode`, `job_id` and tags that begin with `weft-`.",
      required: ['tasks'],
      maxProperties: 60,
      properties: {
        tasks: { type: 'array', minItems: 1, maxItems: 1_000, items: { type: 'object' } }
      },
      additionalProperties: true
    }),
    schedule: Type.Optional(Schedule),
    jobSize: Type.Optional(
      Text(120, {
        description:
          "One of the fabric's `jobSizes`, by name: the cluster of every task that needs one and names none"
      })
    )
  },
  { title: 'DeploymentRequest' }
)

export const ForgetQuery = Strict({
  forget: Type.Optional(
    Type.Enum(['true', 'false'], {
      type: 'string',
      description: '`true` leaves the job where it is, as where Weft no longer reaches it'
    })
  )
})

/** Digits, as the workspace writes them. */
export const RunId = Type.String({ pattern: '^[0-9]{1,19}$' })

const JobCheck = Strict({
  status: Type.Enum(jobStates, { type: 'string' }),
  changed: Type.Array(Type.String()),
  detail: Type.String(),
  code: Nullable(Type.String()),
  owner: Nullable(Owner)
})

export const Deployment = Strict(
  {
    id: IdOfKind('deployment'),
    fabricId: IdOfKind('fabric'),
    name: Type.String(),
    state: Type.Enum(deploymentStates, {
      type: 'string',
      description:
        '`orphaned`: the fabric has another team, workspace or service principal than it was deployed with'
    }),
    detail: Type.String(),
    workspaceUrl: Type.String(),
    jobId: Nullable(Type.String({ description: 'Digits; may lie beyond 2^53' })),
    jobUrl: Nullable(Type.String()),
    servicePrincipal: Type.String({ description: 'Client id of what the job runs as' }),
    schedule: Nullable(Schedule),
    specHash: Type.String({ description: 'SHA-256, hex, of what was deployed' }),
    deployedBy: Type.String({ description: 'The admin on whose behalf' }),
    deployedAt: Nullable(Time),
    createdAt: Time,
    leftBehind: Type.Array(
      Type.String({
        description:
          'Page of an earlier job that Weft no longer reaches; its schedule may still run'
      })
    ),
    job: Nullable(JobCheck),
    spec: Nullable(
      Strict(
        {
          settings: Type.Record(Type.String(), Type.Unknown()),
          jobSize: Nullable(Type.String())
        },
        {
          description:
            'What it was last deployed with, to deploy it anew; null in a list and for who may not deploy'
        }
      )
    )
  },
  { title: 'Deployment' }
)

const RunState = Type.Enum(runStates, { type: 'string' })

export const RunBody = Nullable(
  Strict(
    {
      parameters: Type.Optional(
        Type.Record(
          Type.String({ pattern: '^[\\w.-]{1,128}$' }),
          Type.String({ maxLength: 10_000 }),
          {
            maxProperties: 100,
            description: 'Job parameters'
          }
        )
      )
    },
    { title: 'NewRun' }
  )
)

export const Run = Strict(
  {
    runId: Type.String({ description: 'Digits; may lie beyond 2^53' }),
    jobId: Type.String(),
    state: RunState,
    message: Type.String({ description: 'The state in plain words' }),
    isOver: Type.Boolean(),
    cause: Nullable(
      Strict(
        { code: Type.String(), detail: Type.String(), owner: Owner },
        { description: 'Why it ended badly' }
      )
    ),
    pageUrl: Type.String({ description: 'At the workspace' }),
    runAs: Nullable(Type.String()),
    trigger: Nullable(Type.String()),
    startedAt: Nullable(Time),
    endedAt: Nullable(Time),
    tasks: Type.Array(
      Strict({ taskKey: Type.String(), runId: Nullable(Type.String()), state: RunState })
    )
  },
  { title: 'Run' }
)
