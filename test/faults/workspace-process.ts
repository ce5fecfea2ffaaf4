/** A simulated Databricks workspace on a free port, with one service principal; tells where it listens. */
import { startDatabricks } from '../../src/local/databricks/workspace.ts'

const principal = JSON.parse(process.argv[2] ?? '')
const { url, dataPlaneUrl } = await startDatabricks({
  port: 0,
  workspaceId: '9008007006001',
  name: 'Databricks workspace',
  people: [],
  servicePrincipals: [principal]
})
process.stdout.write(`${JSON.stringify({ url, dataPlaneUrl })}\n`)
