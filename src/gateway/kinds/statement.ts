import { readWhole } from '../whole-body.ts'
import type { EndpointKind } from './kind.ts'
import { insertWhereAbsent } from './top-level-members.ts'

/** SQL: runs on the fabric's own warehouse unless the body names one. All other bytes stay as they are. */
export const statement: EndpointKind = {
  reach: 'workspace',
  async ask({ fabric: { warehouseId }, body }) {
    if (body === null || !warehouseId) return { endpoint: null, body }
    const whole = await readWhole(body)
    return { endpoint: null, body: insertWhereAbsent(whole, 'warehouse_id', warehouseId) }
  }
}
