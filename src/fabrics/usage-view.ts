import type { Page, PageQuery } from '../base/page.ts'

/** Days are UTC, `YYYY-MM-DD` or a date-time for its day, both included; default: the last 30. */
export interface UsageQuery extends PageQuery {
  readonly from: string | undefined
  readonly to: string | undefined
  readonly groupBy: readonly ('day' | 'endpoint' | 'caller')[]
}

/** Sums over calls; tokens as far as answers told them. */
export interface UsageFigures {
  readonly calls: number
  readonly errors: number
  readonly requestBytes: number
  readonly answerBytes: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly totalTokens: number
  readonly duration: { readonly meanMs: number | null; readonly maxMs: number | null }
}

/** Null: not told apart by this, or (`endpoint`) asked for under a name that no endpoint answered to. */
export interface UsageItem extends UsageFigures {
  readonly day: string | null
  /** A serving endpoint, or the operation where the call was about none. */
  readonly endpoint: string | null
  readonly caller: {
    readonly kind: string
    readonly id: string
    /** Null: no longer in the tenant. */
    readonly name: string | null
  } | null
}

export interface UsageView extends Page<UsageItem> {
  readonly from: string
  readonly to: string
  /** Of all calls of the range, whoever made them. */
  readonly total: UsageFigures
}
