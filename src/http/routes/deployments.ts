import type { Deployments } from '../../fabrics/deployments/deployments.ts'
import { prefersEvents } from '../event-stream.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import {
  type App,
  answers,
  createHeaders,
  IdOfKind,
  Nothing,
  PageOf,
  PageQuery,
  pageOf,
  Strict
} from '../route.ts'
import {
  Deployment,
  DeploymentBody,
  DeploymentName,
  ForgetQuery,
  Run,
  RunBody,
  RunId
} from '../schemas/deployment.ts'
import { type AnswerSteps, stepsAnswer, stepsDescription } from '../step-answers.ts'

const ofFabric = Strict({ fabricId: IdOfKind('fabric') })
const params = Strict({ fabricId: IdOfKind('fabric'), name: DeploymentName })
const ofRun = Strict({ fabricId: IdOfKind('fabric'), name: DeploymentName, runId: RunId })
const list = '/api/v1/fabrics/:fabricId/deployments'
const one = `${list}/:name`
const runs = `${one}/runs`
const tags = ['deployments']

export function deploymentRoutes(
  app: App,
  {
    deployments,
    once,
    answerSteps
  }: { deployments: Deployments; once: CreateOnce; answerSteps: AnswerSteps }
): void {
  app.get(
    list,
    {
      config: { access: 'caller', operation: 'deployment.list' },
      schema: {
        tags,
        summary: 'List the deployments of a fabric',
        description: 'As Weft knows them; `job` is null, since the workspace is not asked.',
        params: ofFabric,
        querystring: PageQuery,
        response: answers({ 200: PageOf(Deployment) })
      }
    },
    ({ scope, params, query }) => deployments.list(scope, params.fabricId, pageOf(query))
  )

  app.get(
    one,
    {
      config: { access: 'caller', operation: 'deployment.get' },
      schema: {
        tags,
        summary: 'Read a deployment, and whether its job is as it was deployed',
        params,
        response: answers({ 200: Deployment })
      }
    },
    ({ scope, params }) => deployments.get(scope, params.fabricId, params.name)
  )

  app.put(
    one,
    {
      config: { access: 'caller', operation: 'deployment.put' },
      schema: {
        tags,
        summary: 'Deploy: make a job, or reset the one that there is',
        description:
          "The job runs as the fabric's service principal. The same name means the same job, however often it is sent.",
        params,
        body: DeploymentBody,
        response: answers({ 200: Deployment })
      }
    },
    ({ scope, params, body }) => deployments.put(scope, params.fabricId, params.name, body)
  )

  app.delete(
    one,
    {
      config: { access: 'caller', operation: 'deployment.delete' },
      schema: {
        tags,
        summary: 'Delete a deployment with its job',
        params,
        querystring: ForgetQuery,
        response: answers({ 204: Nothing })
      }
    },
    async ({ scope, params, query }, reply) => {
      const isForgotten = query.forget === 'true'
      await deployments.remove(scope, params.fabricId, params.name, { isForgotten })
      return reply.code(204).send()
    }
  )

  app.post(
    runs,
    {
      config: { access: 'caller', operation: 'deployment_run.create' },
      schema: {
        tags,
        summary: 'Run a deployment now',
        description:
          'An `idempotency-key` is also handed to the workspace, so that a run is started once even where its answer is lost.',
        params,
        headers: createHeaders,
        body: RunBody,
        response: answers({ 201: Run })
      }
    },
    async (request, reply) => {
      const { scope, params, body, headers } = request
      const run = {
        parameters: body?.parameters ?? {},
        idempotencyKey: headers['idempotency-key'] ?? null
      }
      reply.code(201)
      return await once(request, () =>
        deployments.startRun(scope, params.fabricId, params.name, run)
      )
    }
  )

  app.get(
    runs,
    {
      config: { access: 'caller', operation: 'deployment_run.list' },
      schema: {
        tags,
        summary: 'List the runs of a deployment, newest first',
        description: 'The workspace gives at most 25 on a page.',
        params,
        querystring: PageQuery,
        response: answers({ 200: PageOf(Run) })
      }
    },
    ({ scope, params, query }) =>
      deployments.listRuns(scope, params.fabricId, params.name, pageOf(query))
  )

  app.get(
    `${runs}/:runId`,
    {
      config: { access: 'caller', operation: 'deployment_run.get' },
      schema: {
        tags,
        summary: 'Read a run, or follow it to its end',
        description: `${stepsDescription} A step is the run as it is now.`,
        params: ofRun,
        response: { ...answers({}), ...stepsAnswer(Run) }
      }
    },
    (request, reply) => {
      const { scope, params } = request
      if (!prefersEvents(request)) {
        reply.type('application/json')
        return deployments.getRun(scope, params)
      }
      return answerSteps(
        request,
        reply,
        (onStep, signal) => deployments.followRun(scope, params, onStep, signal),
        (now) => deployments.recheck(now, params.fabricId)
      )
    }
  )

  app.post(
    `${runs}/:runId/cancel`,
    {
      config: { access: 'caller', operation: 'deployment_run.cancel' },
      schema: { tags, summary: 'Cancel a run', params: ofRun, response: answers({ 200: Run }) }
    },
    ({ scope, params }) => deployments.cancelRun(scope, params)
  )
}
