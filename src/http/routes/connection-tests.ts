import type { Fabrics } from '../../fabrics/fabrics.ts'
import { type App, answers, IdOfKind, Strict } from '../route.ts'
import { TestBody, TestResult, TestResults, UnsavedTestBody } from '../schemas/connection-test.ts'
import { newFabric } from '../schemas/fabric.ts'
import { type AnswerSteps, stepsAnswer, stepsDescription } from '../step-answers.ts'

const tags = ['connection tests']
const description = stepsDescription
const response = { ...answers({}), ...stepsAnswer(TestResult) }

export function connectionTestRoutes(
  app: App,
  { fabrics, answerSteps }: { fabrics: Fabrics; answerSteps: AnswerSteps }
): void {
  app.post(
    '/api/v1/fabrics/:fabricId/test-connection',
    {
      config: { access: 'caller', operation: 'fabric.test' },
      schema: {
        tags,
        summary: 'Test the connection of a fabric',
        description,
        operationId: 'fabricTest',
        params: Strict({ fabricId: IdOfKind('fabric') }),
        body: TestBody,
        response
      }
    },
    (request, reply) => {
      const { scope, params, body } = request
      return answerSteps(request, reply, (onStep, signal, onProgress) =>
        fabrics.testConnection(scope, params.fabricId, body.as, { onStep, onProgress }, signal)
      )
    }
  )

  app.post(
    '/api/v1/fabrics/test-connection',
    {
      config: { access: 'caller', operation: 'fabric.test' },
      schema: {
        tags,
        summary: 'Test the connection of a fabric before saving it',
        description,
        operationId: 'fabricTestUnsaved',
        body: UnsavedTestBody,
        response
      }
    },
    (request, reply) => {
      const { as, ...input } = request.body
      return answerSteps(request, reply, (onStep, signal, onProgress) =>
        fabrics.testUnsaved(request.scope, newFabric(input), as, { onStep, onProgress }, signal)
      )
    }
  )

  app.get(
    '/api/v1/fabrics/:fabricId/test-results',
    {
      config: { access: 'caller', operation: 'fabric.get' },
      schema: {
        tags,
        summary: 'The latest test of a fabric as oneself and as its service principal',
        description:
          '`changedSince` names what of the fabric, its app connection or the sign-in is not as it was tested.',
        operationId: 'fabricTestResults',
        params: Strict({ fabricId: IdOfKind('fabric') }),
        response: answers({ 200: TestResults })
      }
    },
    (request) => fabrics.testResults(request.scope, request.params.fabricId)
  )
}
