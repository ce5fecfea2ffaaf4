import type { Static } from 'typebox'
import type { UsageQuery } from '../../fabrics/usage-view.ts'
import { Type } from '../json-schema.ts'
import { Nullable, Strict, Text } from '../route.ts'

const Day = Text(40, {
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2}))?$',
  description: 'A date, or a date-time that stands for its UTC day'
})
const dimension = '(day|endpoint|caller)'

export const UsageFilters = Strict({
  from: Type.Optional(Day),
  to: Type.Optional(Day),
  groupBy: Type.Optional(
    Text(40, {
      pattern: `^${dimension}(,${dimension}){0,2}$`,
      description: 'What sums are told apart by; all three where nothing is said'
    })
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Text(512))
})

const figures = {
  calls: Type.Integer(),
  errors: Type.Integer({ description: 'Calls that did not succeed' }),
  requestBytes: Type.Integer(),
  answerBytes: Type.Integer(),
  inputTokens: Type.Integer({ description: 'As far as answers told' }),
  outputTokens: Type.Integer(),
  totalTokens: Type.Integer(),
  duration: Strict({ meanMs: Nullable(Type.Number()), maxMs: Nullable(Type.Number()) })
}

export const Usage = Strict(
  {
    from: Type.String({ format: 'date' }),
    to: Type.String({ format: 'date' }),
    total: Strict(figures, { description: 'Of all calls of the range, whoever made them' }),
    items: Type.Array(
      Strict({
        day: Nullable(Type.String({ format: 'date' })),
        endpoint: Nullable(
          Type.String({ description: 'A serving endpoint, or the operation where none is asked' })
        ),
        caller: Nullable(
          Strict({
            kind: Type.String(),
            id: Type.String(),
            name: Nullable(Type.String({ description: 'Null: no longer in the tenant' }))
          })
        ),
        ...figures
      })
    ),
    nextCursor: Nullable(Type.String())
  },
  { title: 'Usage' }
)

const everyDimension = ['day', 'endpoint', 'caller'] as const

export function usageQuery(query: Static<typeof UsageFilters>): UsageQuery {
  const { from, to, groupBy, limit = 50, cursor = null } = query
  const names = groupBy?.split(',')
  const wanted = everyDimension.filter((name) => names === undefined || names.includes(name))
  return { from, to, groupBy: wanted, limit, cursor }
}
