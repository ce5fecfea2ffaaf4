import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SampleApp {
  /** What one visits in a browser. */
  readonly url: string
  close(): Promise<void>
}

interface Settings {
  /** The base URL of the workspace, which is a fabric of Weft's here. */
  readonly instance: string
  readonly endpointName: string
  /** Of the person who runs the app, for Weft; it holds nothing of Databricks. */
  readonly token: string
  /** The endpoint's own schema. */
  readonly data: object
}

/**
 * A small web app that asks a serving endpoint as whoever is signed in, in the manner of the Databricks SDK's
 * `flask_app_with_oauth`: whoever has not signed in is sent to where they can, and comes back to an answer.
 */
export async function runSampleApp({
  instance,
  endpointName,
  token,
  data
}: Settings): Promise<SampleApp> {
  async function callModelServingEndpoint(): Promise<Response> {
    return await fetch(new URL(`serving-endpoints/${endpointName}/invocations`, instance), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(data)
    })
  }

  const server = createServer(async (_request, response) => {
    const answer = await callModelServingEndpoint()
    const text = await answer.text()
    if (answer.headers.get('x-weft-problem') === 'sign_in_needed') {
      const { actionUrl } = JSON.parse(text)
      return void response.writeHead(302, { location: actionUrl }).end()
    }
    response.writeHead(answer.status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo // it listens
  return {
    url: `http://localhost:${port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve()))
  }
}
